import type { ConfigObject } from '../domain/plan.ts';
import type { AuditEntry } from './audit.ts';
import { auditInsert } from './audit.ts';
import { objectsMove, objectsRetire, objectsUpsert } from './config-objects.ts';
import type { Queryable } from './db.ts';
import type { NewEvent } from './events.ts';
import { EVENT_CHANNEL, eventsInsert } from './events.ts';
import type { LaneRow, RepoLanes } from './lanes.ts';
import { laneRows, toLanes } from './lanes.ts';
import type { SyncOutcome } from './repo-sync.ts';
import { outcomeUpdate } from './repo-sync.ts';
import type { NewRevision } from './revisions.ts';
import { revisionInsert } from './revisions.ts';
import type { ScheduleTimes } from './schedules.ts';
import { SCHEDULE_CHANNEL, schedulesRetire, schedulesUpsert } from './schedules.ts';
import type { Sql } from './sql.ts';
import { sql } from './sql.ts';

/** What runs of a repository, as the holder of its lease sees it: nobody else changes it. */
export interface Running {
  /** The database's time. */
  readonly now: Date;
  /** An object that equals one of `desired` comes without its spec (null). */
  readonly objects: readonly ConfigObject[];
  readonly lanes: RepoLanes;
}

/**
 * Reads what a plan is made against, in one round trip; undefined when the lease was lost. Most of `desired` runs
 * already, and an object with the same hash has nothing to compare.
 */
export async function readRunning(
  db: Queryable,
  { repoId, epoch }: { repoId: number; epoch: number },
  desired: readonly ConfigObject[],
): Promise<Running | undefined> {
  const known = desired.map(({ kind, name, hash }) => `${kind}/${name} ${hash}`);
  const [row] = await db.query<{
    now: Date;
    objects: ConfigObject[];
    lanes: LaneRow[];
  }>(sql`
    select now() as now, coalesce((
      select jsonb_agg(jsonb_build_object('kind', kind, 'name', name, 'hash', hash, 'line', line,
        'spec', case when kind || '/' || name || ' ' || hash = any (${known}::text[]) then null else spec end)
        order by kind, name)
      from config_object where repo_id = ${repoId} and retired_at is null
    ), '[]') as objects, coalesce((
      select jsonb_agg(to_jsonb(l)) from (${laneRows(repoId)}) l
    ), '[]') as lanes
    from repo_sync where repo_id = ${repoId} and epoch = ${epoch} and lease_until > now()
  `);
  return row && { ...row, lanes: toLanes(row.lanes) };
}

/** All that one look writes. What is empty or left out is not written. */
export interface Settlement {
  readonly outcome: Omit<SyncOutcome, 'revisionId'>;
  readonly revision?: NewRevision | undefined;
  /** What is in force from now on: `revision`, or the one of this id. Left out: what was before. */
  readonly inForce?: 'revision' | number | undefined;
  readonly events: readonly NewEvent[];
  readonly changes?: RunningChanges | undefined;
}

/** How what runs becomes what the file says, its lanes left out. */
export interface RunningChanges {
  readonly written: readonly ConfigObject[];
  /** Objects that stand on other lines and are the same otherwise. */
  readonly moved: readonly ConfigObject[];
  readonly retired: readonly Pick<ConfigObject, 'kind' | 'name'>[];
  readonly schedules: readonly ScheduleTimes[];
  readonly audit: AuditEntry | undefined;
}

/**
 * Writes what one look found, and ends its lease: all of it, or nothing when the lease was lost (false). One
 * statement: as a transaction of one statement each it takes 9 to 12 round trips, and these are what a look costs.
 */
export async function settleLook(db: Queryable, settlement: Settlement): Promise<boolean> {
  const { outcome, revision, inForce, events, changes } = settlement;
  const { repoId, epoch } = outcome;
  // Every part writes only when there is such a row, which it locks first: the fence.
  const held = sql`held`;
  const revisionId =
    inForce === 'revision' ? sql`(select id from revised)` : sql`${inForce ?? null}::bigint`;
  const parts: Sql[] = [
    sql`held as (
      select repo_id as held_id from repo_sync
      where repo_id = ${repoId} and epoch = ${epoch} and lease_until > now() for update
    )`,
  ];
  if (revision) {
    parts.push(sql`revised as (${revisionInsert(revision, held)})`);
  }
  if (events.length > 0) {
    parts.push(sql`made as (${eventsInsert(events, held)})`);
  }
  if (changes) {
    parts.push(...changeParts(repoId, { changes, revisionId, held }));
  }
  const settled = outcomeUpdate({ ...outcome, revisionId }, held);
  const hasSchedules = changes !== undefined && changes.schedules.length > 0;

  const rows = await db.query(sql`
    with ${joined([...parts, sql`settled as (${settled})`])}
    select 1
      ${events.length > 0 ? sql`, case when exists (select from made) then pg_notify(${EVENT_CHANNEL}, '') end` : sql``}
      ${hasSchedules ? sql`, pg_notify(${SCHEDULE_CHANNEL}, '')` : sql``}
    from settled
  `);
  return rows.length > 0;
}

function changeParts(
  repoId: number,
  { changes, revisionId, held }: { changes: RunningChanges; revisionId: Sql; held: Sql },
): Sql[] {
  const { written, moved, retired, schedules, audit } = changes;
  const gone = retired.filter(({ kind }) => kind === 'schedule').map(({ name }) => name);
  const parts: Sql[] = [];
  if (written.length > 0) {
    parts.push(sql`written as (${objectsUpsert({ repoId, revisionId }, written, held)})`);
  }
  if (moved.length > 0) {
    parts.push(sql`moved as (${objectsMove(repoId, moved, held)})`);
  }
  if (retired.length > 0) {
    parts.push(sql`retired as (${objectsRetire(repoId, retired, held)})`);
  }
  if (schedules.length > 0) {
    parts.push(sql`scheduled as (${schedulesUpsert(repoId, schedules, held)})`);
  }
  if (gone.length > 0) {
    parts.push(sql`unscheduled as (${schedulesRetire(repoId, gone, held)})`);
  }
  if (audit) {
    parts.push(sql`audited as (${auditInsert(audit, held)})`);
  }
  return parts;
}

function joined(parts: readonly Sql[]): Sql {
  return parts.reduce((all, part) => sql`${all}, ${part}`);
}
