import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** How a delivery ended. Stored, shown and alerted on: never rename one. */
export type HookOutcome =
  /** Stored, and whatever follows from it will. */
  | 'stored'
  | 'duplicate'
  /** Nothing that anybody here could want to know. */
  | 'uninteresting'
  | 'unknown_project'
  /** Well signed, but not what GitLab documents. */
  | 'malformed'
  | 'no_signature'
  | 'bad_signature'
  | 'stale'
  | 'no_token'
  | 'bad_token'
  | 'too_large'
  | 'too_deep'
  | 'bad_json'
  | 'bad_media_type'
  | 'overloaded'
  | 'database_away'
  /** A bug of ours. */
  | 'failed';

/** The outcomes that were answered with an error. */
export const REFUSALS: ReadonlySet<HookOutcome> = new Set([
  'no_signature',
  'bad_signature',
  'stale',
  'no_token',
  'bad_token',
  'too_large',
  'too_deep',
  'bad_json',
  'bad_media_type',
  'overloaded',
  'database_away',
  'failed',
]);

export interface TallyEntry {
  /** 0: it is not known whose. */
  readonly repoId: number;
  readonly outcome: HookOutcome;
  readonly count: number;
  readonly lastAt: Date;
}

/** Adds to what was counted before. In the order of the keys, as other processes do. */
export async function addToTally(db: Queryable, entries: readonly TallyEntry[]): Promise<void> {
  if (entries.length === 0) {
    return;
  }
  await db.query(sql`
    insert into hook_tally (repo_id, outcome, total, last_at)
    select * from unnest(
      ${entries.map(({ repoId }) => repoId)}::int[],
      ${entries.map(({ outcome }) => outcome)}::text[],
      ${entries.map(({ count }) => count)}::bigint[],
      ${entries.map(({ lastAt }) => lastAt)}::timestamptz[]
    ) as t(repo_id, outcome, total, last_at) order by 1, 2
    on conflict (repo_id, outcome) do update set
      total = hook_tally.total + excluded.total, last_at = greatest(hook_tally.last_at, excluded.last_at)
  `);
}

export interface TallyRow {
  readonly repoId: number;
  readonly outcome: HookOutcome;
  readonly total: number;
  readonly lastAt: Date;
}

export function readTally(db: Queryable): Promise<TallyRow[]> {
  return db.query<TallyRow>(sql`
    select repo_id as "repoId", outcome, total, last_at as "lastAt" from hook_tally order by repo_id, outcome
  `);
}
