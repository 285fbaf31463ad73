import type { PostgresDb } from './pool.ts';
import type { DueRepo, Lease } from './repo-sync.ts';
import { takeLease } from './repo-sync.ts';
import type { Repo } from './repos.ts';
import { addRepo } from './repos.ts';
import { recordRevision } from './revisions.ts';
import { sql } from './sql.ts';

/** Registers a repository of its own. */
export function newRepo(db: PostgresDb, path = `repo-${crypto.randomUUID()}`): Promise<Repo> {
  return addRepo(db, { path, forge: 'local', location: `/nowhere/${path}`, branch: 'main' });
}

/** Takes the lease of a repository that nobody has looked at. */
export async function leaseOf(
  db: PostgresDb,
  repoId: number,
  head: string | null = null,
): Promise<Lease> {
  const lease = await takeLease(db, { repoId, owner: 'test', leaseMs: 60_000, head });
  if (!lease) {
    throw new Error('the lease is free');
  }
  return lease;
}

/** Makes a repository alone due, as a poll would find it. */
export async function dueAlone(db: PostgresDb, { id }: Pick<DueRepo, 'id'>): Promise<void> {
  await db.query(
    sql`update repo_sync set next_at = case when repo_id = ${id} then now() else 'infinity' end`,
  );
}

/** Records a revision without a spec. */
export function newRevision(db: PostgresDb, repoId: number, commit: string): Promise<number> {
  return recordRevision(db, {
    repoId,
    commit,
    blobs: { 'autodev.yaml': 'b1' },
    digest: 'd1',
    state: 'applied',
    spec: undefined,
    source: 'version: 1',
    author: 'Ada <ada@example.org>',
    subject: 'Begin',
    plan: { summary: commit },
    diagnostics: [],
  });
}
