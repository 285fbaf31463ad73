import { AppError } from '../kernel/errors.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

export interface Repo {
  readonly id: number;
  /** What people type: `group/app`, `demo`. */
  readonly path: string;
  readonly forge: 'local' | 'gitlab';
  /** An absolute path (local) or a project id (GitLab). */
  readonly location: string;
  /** The default branch, fixed at registration. */
  readonly branch: string;
}

const columns = sql`repo.id, repo.path, repo.forge, repo.location, repo.branch`;

/** Every registered repository, by path. */
export function listRepos(db: Queryable): Promise<Repo[]> {
  return db.query<Repo>(sql`
    select ${columns} from repo where removed_at is null order by path
  `);
}

/** Throws NOT_FOUND, also for one that was removed. */
export async function getRepo(db: Queryable, id: number): Promise<Repo> {
  const [repo] = await db.query<Repo>(sql`
    select ${columns} from repo where id = ${id}::int and removed_at is null
  `);
  if (!repo) {
    throw new AppError('NOT_FOUND', `no repository ${id} is registered`, {
      remedy: 'List them with `autodev repos`, or register one with `autodev repos add PATH`.',
      details: { repo: id },
    });
  }
  return repo;
}

/**
 * Registers a repository and makes it due. One that was removed comes back with its
 * history; one that is registered already gets this path and branch. Throws CONFLICT when another repository has
 * the path.
 */
export async function addRepo(
  tx: Queryable,
  { path, forge, location, branch }: Omit<Repo, 'id'>,
): Promise<Repo> {
  const [taken] = await tx.query<Repo>(sql`
    select ${columns} from repo where path = ${path} and (forge, location) <> (${forge}, ${location})
  `);
  if (taken) {
    throw new AppError('CONFLICT', `the path ${path} belongs to ${taken.location}`, {
      remedy: `Register ${location} under another path: \`autodev repos add ${location} --name NAME\`.`,
    });
  }
  const [repo] = await tx.query<Repo>(sql`
    insert into repo (path, forge, location, branch)
    values (${path}, ${forge}, ${location}, ${branch})
    on conflict (forge, location) do update set path = excluded.path, branch = excluded.branch, removed_at = null
    returning ${columns}
  `);
  if (!repo) {
    throw new Error('an insert with `returning` answered no row');
  }
  await tx.query(
    sql`insert into repo_slot (repo_id, max_running) values (${repo.id}, 1) on conflict do nothing`,
  );
  await tx.query(sql`
    insert into repo_sync (repo_id, priority) values (${repo.id}, 1)
    on conflict (repo_id) do update set priority = 1, next_at = now()
  `);
  return repo;
}

/** The registered repository at a place, if there is one. */
export async function findRepoAt(
  db: Queryable,
  { forge, location }: Pick<Repo, 'forge' | 'location'>,
): Promise<Repo | undefined> {
  const [repo] = await db.query<Repo>(sql`
    select ${columns} from repo where forge = ${forge} and location = ${location} and removed_at is null
  `);
  return repo;
}

/** The paths of all other repositories, also of those that were removed: they keep theirs with their history. */
export async function listTakenPaths(
  db: Queryable,
  { forge, location }: Pick<Repo, 'forge' | 'location'>,
): Promise<Set<string>> {
  const rows = await db.query<{ path: string }>(sql`
    select path from repo where (forge, location) <> (${forge}, ${location})
  `);
  return new Set(rows.map(({ path }) => path));
}

/** Ends a registration; rows stay for their history. The caller stops the lanes in the same transaction. */
export async function removeRepo(tx: Queryable, id: number): Promise<void> {
  await tx.query(sql`update repo set removed_at = now() where id = ${id}`);
}
