import { writeAudit } from '../db/audit.ts';
import type { Db, Queryable } from '../db/db.ts';
import { listKnownLocations, putForgeGroup } from '../db/forge-groups.ts';
import { markDirty } from '../db/repo-sync.ts';
import { addRepo, findRepoAt } from '../db/repos.ts';
import type { GitlabForge } from '../forge/gitlab/forge.ts';
import { AppError } from '../kernel/errors.ts';

interface Deps {
  db: Db;
  gitlab: Pick<GitlabForge, 'inspect' | 'discover'> | undefined;
}

type Project = Awaited<ReturnType<GitlabForge['inspect']>>;

/**
 * Registers a project of GitLab by its path or id, and asks for it to be read at once. One that is registered already
 * gets its path and branch of today. NOT_FOUND where GitLab shows us none.
 */
export async function registerProject(
  { db, gitlab }: Deps,
  { actor, project, branch }: { actor: string; project: string; branch?: string | undefined },
  signal: AbortSignal,
): Promise<{ repoId: number; path: string }> {
  const found = await requireGitlab(gitlab).inspect({ path: project, branch }, signal);
  return db.transaction(async (tx) => {
    const { id } = await writeProject(tx, found, actor);
    return { repoId: id, path: found.path };
  });
}

/**
 * Registers the projects of a group that its globs name, and follows it: those that come later join by themselves.
 * What somebody removed is not brought back. Answers those that are new.
 */
export async function registerGroup(
  { db, gitlab }: Deps,
  {
    actor,
    group,
    include,
    exclude,
  }: { actor: string; group: string; include: readonly string[]; exclude: readonly string[] },
  signal: AbortSignal,
): Promise<{ repoId: number; path: string }[]> {
  const found = await requireGitlab(gitlab).discover({ group, include, exclude }, signal);
  return db.transaction(async (tx) => {
    await putForgeGroup(tx, { path: group, include, exclude, addedBy: actor });
    const known = await listKnownLocations(tx);
    const added: { repoId: number; path: string }[] = [];
    for (const project of found.filter(({ location }) => !known.has(location))) {
      const { id } = await writeProject(tx, project, actor);
      added.push({ repoId: id, path: project.path });
    }
    return added;
  });
}

async function writeProject(tx: Queryable, project: Project, actor: string) {
  const place = { forge: 'gitlab', location: project.location } as const;
  const known = await findRepoAt(tx, place);
  if (known?.path === project.path && known.branch === project.branch) {
    await markDirty(tx, [known.id], { priority: 2 });
    return known;
  }
  const repo = await addRepo(tx, { ...place, path: project.path, branch: project.branch });
  await markDirty(tx, [repo.id], { priority: 2 });
  await writeAudit(tx, {
    actor,
    action: 'repo.add',
    target: project.path,
    repoId: repo.id,
    detail: { location: project.location, branch: project.branch, forge: 'gitlab' },
  });
  return repo;
}

function requireGitlab(gitlab: Deps['gitlab']): NonNullable<Deps['gitlab']> {
  if (gitlab) {
    return gitlab;
  }
  throw new AppError('INVALID_REQUEST', 'no GitLab is set up here', {
    remedy:
      'Start Auto-Dev with GITLAB_URL and GITLAB_TOKEN; for a repository of this machine give the path of its folder.',
  });
}
