import { expect } from 'vitest';

import { createCronTimes } from '../config/cron-times.ts';
import { loadConfig } from '../config/load.ts';
import { riskOf } from '../config/risk.ts';
import type { PostgresDb } from '../db/pool.ts';
import { markDirty } from '../db/repo-sync.ts';
import { sql } from '../db/sql.ts';
import type { Condition } from '../domain/conditions.ts';
import { conditionProblems, findCondition } from '../domain/conditions.ts';
import { createZoneOffset } from '../domain/zone-offset.ts';
import type { RepoFixture } from '../forge/local/repo-fixture.ts';
import { repoFixture } from '../forge/local/repo-fixture.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import type { ReconcilerDeps } from './reconciler.ts';
import { reconcileDue } from './reconciler.ts';
import { registerRepo } from './register-repo.ts';

export const FILE = 'autodev.yaml';

/** A small file: an agent that is started by a schedule and one that is handed work. */
export const BASIC = `version: 1
agents:
  bug-finder: {}
  builder: {}
schedules:
  nightly: { agent: bug-finder, cron: "30 2 * * *" }
`;

interface SyncRow {
  readonly head: string | null;
  readonly failures: number;
  readonly suspended: string | null;
  readonly revision_id: number | null;
  readonly conditions: Condition[];
  readonly diagnostics: { code: string; line: number; column: number }[];
  readonly dirty: boolean;
  readonly wait: number;
}

/** A real repository that is registered in a real database, and a reconciler of both. */
export interface ReconcilerFixture extends RepoFixture {
  readonly repoId: number;
  readonly deps: ReconcilerDeps;
  /** Writes autodev.yaml and commits it. */
  readonly commitFile: (text: string, others?: Record<string, string>) => string;
  /** One pass over this repository; every pass checks the conditions. */
  readonly pass: (deps?: Partial<ReconcilerDeps>) => Promise<void>;
  /** As `pass`, as after `autodev sync`. */
  readonly sync: () => Promise<void>;
  readonly row: () => Promise<SyncRow>;
  readonly condition: (type: Condition['type']) => Promise<string | undefined>;
  /** `kind/name` of what is in force. */
  readonly objects: () => Promise<string[]>;
  /** `agent: holds` of each lane by its code. */
  readonly holds: () => Promise<Record<number, string | null>>;
  readonly count: (
    table: 'revision' | 'config_object' | 'event' | 'audit' | 'occurrence',
  ) => Promise<number>;
}

/** Registers a new repository; `file` is committed first, unless it is undefined. */
export async function setupReconciler(
  db: PostgresDb,
  file: string | undefined = BASIC,
): Promise<ReconcilerFixture> {
  const fixture = repoFixture();
  const commitFile = (text: string, others: Record<string, string> = {}): string =>
    fixture.commit({ [FILE]: text, ...others });
  if (file !== '') {
    commitFile(file);
  }
  const { repoId } = await registerRepo(
    { db, forge: fixture.forge },
    { actor: 'ada', location: fixture.path },
  );
  const deps: ReconcilerDeps = {
    db,
    clock: systemClock,
    log: silentLog,
    forge: fixture.forge,
    load: (_repo, source, readFile) => loadConfig(source, { readFile }),
    risk: riskOf,
    owner: `test-${repoId}`,
    inputsVersion: '1',
    nextCronTime: createCronTimes(),
    zoneOffset: createZoneOffset(),
    limitsOf: () => ({ concurrency: 4, prune: { share: 0.5, count: 3 } }),
    pollMs: 3_600_000,
    workers: 2,
  };
  const row = async (): Promise<SyncRow> => {
    const [found] = await db.query<SyncRow>(sql`
      select head, failures, suspended, revision_id, conditions, diagnostics, dirty_at is not null as dirty,
        extract(epoch from next_at - now())::float8 * 1000 as wait
      from repo_sync where repo_id = ${repoId}
    `);
    if (!found) {
      throw new Error('the repository has no row');
    }
    return found;
  };
  const pass: ReconcilerFixture['pass'] = async (overrides = {}) => {
    // Repositories of other tests in this file are left alone: each of them is another one's.
    await db.query(
      sql`update repo_sync set next_at = case when repo_id = ${repoId} then now() else 'infinity' end`,
    );
    await reconcileDue({ ...deps, ...overrides }, fixture.signal);
    const { conditions } = await row();
    // None: the pass was kept from writing.
    expect(conditions.length > 0 ? conditionProblems(conditions) : []).toEqual([]);
  };

  return {
    ...fixture,
    repoId,
    deps,
    commitFile,
    pass,
    sync: async () => {
      await markDirty(db, [repoId], { priority: 1 });
      await pass();
    },
    row,
    condition: async (type) => {
      const found = findCondition((await row()).conditions, type);
      return found && `${found.status} ${found.reason}`;
    },
    objects: async () => {
      const rows = await db.query<{ object: string }>(sql`
        select kind || '/' || name as object from config_object
        where repo_id = ${repoId} and retired_at is null order by 1
      `);
      return rows.map(({ object }) => object);
    },
    holds: async () => {
      const rows = await db.query<{ agent: number; hold: string | null }>(
        sql`select agent, hold from lane where repo_id = ${repoId} order by agent`,
      );
      return Object.fromEntries(rows.map(({ agent, hold }) => [agent, hold]));
    },
    count: async (table) => {
      const tables = {
        revision: sql`revision where repo_id = ${repoId}`,
        config_object: sql`config_object where repo_id = ${repoId}`,
        event: sql`event where repo_id = ${repoId}`,
        audit: sql`audit where repo_id = ${repoId}`,
        occurrence: sql`occurrence o join schedule s on s.id = o.schedule_id where s.repo_id = ${repoId}`,
      };
      const [found] = await db.query<{ n: number }>(
        sql`select count(*)::int as n from ${tables[table]}`,
      );
      return found?.n ?? 0;
    },
    [Symbol.dispose]: () => fixture[Symbol.dispose](),
  };
}
