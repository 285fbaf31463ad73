import { AppError } from '../../kernel/errors.ts';
import { WHOLE_LIST, type GitlabClient } from './client.ts';
import { readProjects, type Project } from './projects.ts';

const BY_ID = { ...WHOLE_LIST, pagination: 'keyset', orderBy: 'id', sort: 'asc' } as const;

/**
 * The projects of a group and the groups below it that can be worked in: not archived, with a commit, and named by
 * one of `include` (none given: all) and by none of `exclude`. Globs are matched against the whole path and, so that
 * `api-*` works, against what is below the group.
 */
export async function listGroupProjects(
  { client, matches }: { client: GitlabClient; matches: (glob: string, text: string) => boolean },
  {
    group,
    include,
    exclude,
  }: { group: string; include: readonly string[]; exclude: readonly string[] },
  signal: AbortSignal,
): Promise<Project[]> {
  const answer: unknown = await client.api(signal).groups.allProjects(group, {
    ...BY_ID,
    includeSubgroups: true,
    archived: false,
    simple: true,
    withShared: false,
  });
  const all = readProjects(answer, `the projects of ${group}`);
  const isNamed = (globs: readonly string[], { path }: Project): boolean => {
    const below = path.slice(group.length + 1);
    return globs.some((glob) => matches(glob, path) || matches(glob, below));
  };
  return all.filter(
    (project) =>
      !project.archived &&
      project.defaultBranch !== undefined &&
      (include.length === 0 || isNamed(include, project)) &&
      !isNamed(exclude, project),
  );
}

/** Ids of our projects with activity since then; see createHeadMemory for how late GitLab notes it. */
export async function listActiveProjects(
  client: GitlabClient,
  since: Date,
  signal: AbortSignal,
): Promise<Set<string>> {
  const answer: unknown = await client.api(signal).projects.all({
    ...BY_ID,
    membership: true,
    archived: false,
    simple: true,
    lastActivityAfter: since.toISOString(),
  });
  return new Set(readProjects(answer, 'active projects').map(({ id }) => String(id)));
}

/** What is fixed about a project when it is registered. */
export function registrationOf(
  project: Project,
  branch: string | undefined,
): { location: string; path: string; branch: string } {
  const chosen = branch ?? project.defaultBranch;
  if (project.archived) {
    throw new AppError('INVALID_REQUEST', `${project.path} is archived.`, {
      remedy: 'Unarchive it in GitLab first: nothing can be written to it.',
    });
  }
  if (chosen === undefined) {
    throw new AppError('INVALID_REQUEST', `${project.path} has no commit that we may read.`, {
      remedy: "Push a first commit, or give the bot's account the role Developer.",
    });
  }
  return { location: String(project.id), path: project.path, branch: chosen };
}
