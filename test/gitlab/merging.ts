import type { BareGit, Signature } from './git/git.ts';
import {
  branchHead,
  isAncestor,
  listCommits,
  listRefs,
  mergeBase,
  readCommit,
} from './git/read.ts';
import { commitTree, mergedTree, replayedTree, updateRef } from './git/write.ts';
import { headOf } from './heads.ts';
import { markMerged } from './merge-request-states.ts';
import { invalidRecord } from './problem.ts';
import { pushed } from './pushed.ts';
import type { MergeRequest, User } from './records.ts';
import { gitOf, type World } from './world.ts';

export interface MergeOptions {
  readonly user: User;
  readonly squash: boolean;
  readonly removeSourceBranch: boolean;
  readonly mergeMessage: string | undefined;
  readonly squashMessage: string | undefined;
}

/**
 * Merges by the project's method and tells everybody. The caller holds the project's lock and has looked whether
 * it may be done. Throws 422 when git says no.
 */
export async function merge(
  world: World,
  mergeRequest: MergeRequest,
  options: MergeOptions,
): Promise<void> {
  const { project, sourceProject, sourceBranch, targetBranch } = mergeRequest;
  const git = gitOf(world, project);
  const before = await listRefs(git);
  const sourceBefore =
    sourceProject === project ? before : await listRefs(gitOf(world, sourceProject));
  const target = await branchHead(git, targetBranch);
  if (target === undefined) {
    throw cannot();
  }
  const made = await makeCommits(world, git, { mergeRequest, target, options });
  if (!(await updateRef(git, `refs/heads/${targetBranch}`, { to: made.head, expected: target }))) {
    throw cannot();
  }
  // Merged before the push is looked at, which would otherwise find the head in the target and merge it again.
  markMerged(world, mergeRequest, { user: options.user, ...made });
  if (options.removeSourceBranch) {
    await updateRef(gitOf(world, sourceProject), `refs/heads/${sourceBranch}`, {
      to: undefined,
      expected: headOf(mergeRequest),
    });
  }
  await pushed(world, project, { before, user: options.user });
  if (sourceProject !== project) {
    await pushed(world, sourceProject, { before: sourceBefore, user: options.user });
  }
}

async function makeCommits(
  world: World,
  git: BareGit,
  {
    mergeRequest,
    target,
    options,
  }: { mergeRequest: MergeRequest; target: string; options: MergeOptions },
): Promise<{ head: string; mergeCommit: string | undefined; squashCommit: string | undefined }> {
  const { sourceBranch, targetBranch, title, project, iid } = mergeRequest;
  const by = signature(world, options.user);
  const head = headOf(mergeRequest);
  const method = project.settings.mergeMethod;
  if (method !== 'merge' && !(await isAncestor(git, target, head))) {
    throw cannot();
  }
  let tip = head;
  let squashCommit: string | undefined;
  if (options.squash) {
    const base = (await mergeBase(git, target, head)) ?? target;
    squashCommit = await commitTree(git, {
      tree: await git.text(['rev-parse', `${head}^{tree}`]),
      parents: [base],
      message: options.squashMessage ?? title,
      author: signature(world, mergeRequest.author),
      committer: by,
    });
    tip = squashCommit;
  }
  if (method === 'ff') {
    return { head: tip, mergeCommit: undefined, squashCommit };
  }
  const tree = await mergedTree(git, target, tip);
  if (tree === undefined) {
    throw cannot();
  }
  const mergeCommit = await commitTree(git, {
    tree,
    parents: [target, tip],
    message:
      options.mergeMessage ??
      `Merge branch '${sourceBranch}' into '${targetBranch}'\n\n${title}\n\nSee merge request ${project.path}!${iid}`,
    author: by,
  });
  return { head: mergeCommit, mergeCommit, squashCommit };
}

/**
 * Puts the commits of the source branch on the target's head and pushes the result as `user`, as GitLab's rebase
 * button does: authors stay, the committer is who pressed it. False on a conflict.
 */
export async function rebase(
  world: World,
  mergeRequest: MergeRequest,
  user: User,
): Promise<boolean> {
  const { project, sourceProject, sourceBranch, targetBranch } = mergeRequest;
  const git = gitOf(world, project);
  const head = headOf(mergeRequest);
  const target = await branchHead(git, targetBranch);
  if (target === undefined || (await isAncestor(git, target, head))) {
    return target !== undefined;
  }
  const commits = (await listCommits(git, ['--no-merges', head, `^${target}`])).toReversed();
  let onto = target;
  for (const commit of commits) {
    const parent = commit.parents[0];
    const tree = parent && (await replayedTree(git, { commit: commit.id, parent, onto }));
    if (!tree) {
      mergeRequest.mergeError = 'Rebase failed. Please rebase locally';
      return false;
    }
    onto = await commitTree(git, {
      tree,
      parents: [onto],
      message: commit.message,
      author: {
        name: commit.authorName,
        email: commit.authorEmail,
        at: new Date(commit.authoredAt),
      },
      committer: signature(world, user),
    });
  }
  const source = gitOf(world, sourceProject);
  const before = await listRefs(source);
  if (sourceProject !== project && (await readCommit(source, onto)) === undefined) {
    await git.text(['update-ref', 'refs/merge-requests/rebased', onto]);
    await source.text(['fetch', '--quiet', project.dir, 'refs/merge-requests/rebased']);
  }
  const moved = await updateRef(source, `refs/heads/${sourceBranch}`, { to: onto, expected: head });
  if (moved) {
    mergeRequest.mergeError = undefined;
    await pushed(world, sourceProject, { before, user });
  }
  return moved;
}

function signature({ clock }: World, { name, email }: User): Signature {
  return { name, email, at: clock.now() };
}

function cannot() {
  return invalidRecord(422, 'Branch cannot be merged');
}
