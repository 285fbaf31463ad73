import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** What a change does to the tree, for people and for rules about paths. */
export interface ArtifactStat {
  readonly files: number;
  readonly added: number;
  readonly removed: number;
  /** Old and new paths of every change. */
  readonly paths: readonly string[];
}

/** The result of an attempt: one commit on `base`. It outlives the attempt and its runner's disk. */
export interface Artifact {
  readonly id: number;
  readonly jobId: number;
  readonly attempt: number;
  readonly repoId: number;
  readonly base: string;
  readonly head: string;
  readonly stat: ArtifactStat;
  /** A unified diff for people, cut at a bound that it names. */
  readonly diff: string;
  /** A git bundle of the one commit. */
  readonly bundle: Buffer;
}

/** Stores the result in the transaction that ends the attempt. */
export async function insertArtifact(
  tx: Queryable,
  artifact: Omit<Artifact, 'id'>,
): Promise<number> {
  const [row] = await tx.query<{ id: number }>(sql`
    insert into artifact (job_id, attempt, repo_id, base, head, stat, diff, bundle)
    values (${artifact.jobId}, ${artifact.attempt}, ${artifact.repoId}, ${artifact.base}, ${artifact.head},
      ${JSON.stringify(artifact.stat)}::jsonb, ${artifact.diff}, ${artifact.bundle})
    returning id
  `);
  if (!row) {
    throw new Error('an insert with `returning` answered no row');
  }
  return row.id;
}

/** The newest result of a job, or of one attempt of it; undefined when it left none. */
export async function findArtifact(
  db: Queryable,
  { jobId, attempt }: { jobId: number; attempt?: number },
): Promise<Artifact | undefined> {
  const [row] = await db.query<Artifact>(sql`
    select id, job_id as "jobId", attempt::int as attempt, repo_id as "repoId", base, head, stat, diff, bundle
    from artifact
    where job_id = ${jobId} and (${attempt ?? null}::smallint is null or attempt = ${attempt ?? null}::smallint)
    order by attempt desc limit 1
  `);
  return row;
}
