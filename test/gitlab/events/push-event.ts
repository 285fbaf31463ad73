import { commitPaths } from '../git/diff.ts';
import { listCommits, resolve, ZERO_SHA } from '../git/read.ts';
import type { Project, RefChange, User } from '../records.ts';
import { gitOf, type World } from '../world.ts';
import { commitSection, projectSection, repositorySection } from './sections.ts';

const MAX_COMMITS = 20;

/** Push Hook and Tag Push Hook: at most the newest 20 commits, `total_commits_count` tells how many there were. */
export async function tellPush(
  world: World,
  project: Project,
  { change, user }: { change: RefChange; user: User },
): Promise<void> {
  const { ref } = change;
  const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
  const kind = branch === undefined ? 'tag_push' : 'push';
  const event = {
    flag: kind === 'push' ? 'push_events' : 'tag_push_events',
    name: kind === 'push' ? 'Push Hook' : 'Tag Push Hook',
    payload: await pushPayload(world, project, { kind, change, user }),
    ...(branch === undefined ? {} : { branch }),
  } as const;
  // Behind what happened before, which may still wait for git.
  world.webhooks.later(async () => world.webhooks.fire({ project }, event));
}

export async function pushPayload(
  world: World,
  project: Project,
  { kind, change, user }: { kind: 'push' | 'tag_push'; change: RefChange; user: User },
) {
  const { ref, from, to } = change;
  const git = gitOf(world, project);
  const head = to === undefined ? undefined : await resolve(git, to);
  const range =
    head === undefined || kind === 'tag_push' ? [] : newCommits(project, { ref, from, head });
  const commits = range.length === 0 ? [] : await listCommits(git, range);
  const shown = await Promise.all(
    commits.slice(0, MAX_COMMITS).map(async (commit) => ({
      ...commitSection(world, project, commit),
      ...(await commitPaths(git, commit.id)),
    })),
  );
  return {
    object_kind: kind,
    event_name: kind,
    before: from ?? ZERO_SHA,
    after: to ?? ZERO_SHA,
    ref,
    ref_protected: project.protectedBranches.some(({ name }) => ref === `refs/heads/${name}`),
    checkout_sha: head ?? null,
    message: null,
    user_id: user.id,
    user_name: user.name,
    user_username: user.username,
    user_email: '',
    user_avatar: null,
    project_id: project.id,
    project: projectSection(world, project),
    // Oldest first, unlike everywhere else.
    commits: shown.toReversed(),
    total_commits_count: commits.length,
    push_options: {},
    repository: repositorySection(world, project),
  };
}

/** Of a new branch only what the default branch has not. */
function newCommits(
  { defaultBranch }: Project,
  { ref, from, head }: { ref: string; from: string | undefined; head: string },
): string[] {
  if (from !== undefined) {
    return [head, `^${from}`];
  }
  const known = `refs/heads/${defaultBranch}`;
  return ref === known ? [head] : [head, '--not', `--glob=${known}`];
}
