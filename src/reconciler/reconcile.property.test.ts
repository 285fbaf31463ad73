import * as fc from 'fast-check';
import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { loadConfig } from '../config/load.ts';
import { listConfigObjects } from '../db/config-objects.ts';
import { sql } from '../db/sql.ts';
import { AGENTS } from '../domain/agent.ts';
import { BASIC, setupReconciler } from './reconciler-fixture.ts';

const agents = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...AGENTS),
    enabled: fc.boolean(),
    concurrency: fc.integer({ min: 1, max: 4 }),
  }),
  { minLength: 1, maxLength: 8, selector: ({ name }) => name },
);
const schedules = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('one', 'two', 'three', 'four', 'five'),
    minute: fc.integer({ min: 0, max: 59 }),
    agent: fc.nat(),
  }),
  { maxLength: 5, selector: ({ name }) => name },
);
const file = fc
  .record({ agents, schedules, remark: fc.boolean() })
  .map((spec) =>
    [
      ...(spec.remark ? ['# a remark'] : []),
      'version: 1',
      'agents:',
      ...spec.agents.map(
        ({ name, enabled, concurrency }) =>
          `  ${name}: { enabled: ${enabled}, concurrency: ${concurrency} }`,
      ),
      ...(spec.schedules.length > 0 ? ['schedules:'] : []),
      ...spec.schedules.map(
        ({ name, minute, agent }) =>
          `  ${name}: { agent: ${spec.agents[agent % spec.agents.length]?.name}, cron: "${minute} 3 * * *" }`,
      ),
      '',
    ].join('\n'),
  );

test('after any sequence of files, what is in force is what the last one says', async ({ db }) => {
  using repo = await setupReconciler(db, BASIC);

  await fc.assert(
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 4 }), async (files) => {
      for (const text of files) {
        repo.commitFile(text);
        await repo.pass();
        const held = /--confirm-prune (\w+)/.exec(JSON.stringify((await repo.row()).conditions));
        if (held?.[1] !== undefined) {
          await db.query(
            sql`update repo_sync set confirmed_prune = ${held[1]}, dirty_at = now() where repo_id = ${repo.repoId}`,
          );
          await repo.pass();
        }
      }

      const wanted = await loadConfig(files.at(-1) ?? '', {
        readFile: () => Promise.resolve(undefined),
      });
      const desired = wanted.ok ? wanted.objects : [];
      const order = (
        a: { kind: string; name: string },
        b: { kind: string; name: string },
      ): number => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1);
      expect((await listConfigObjects(db, repo.repoId)).sort(order)).toEqual(
        [...desired].sort(order),
      );
      const lanes = await db.query<{ agent: number; hold: string | null; max_running: number }>(
        sql`select agent, hold, max_running from lane where repo_id = ${repo.repoId} order by agent`,
      );
      for (const { agent, hold, max_running: max } of lanes) {
        const spec = wanted.ok ? wanted.spec.agents[AGENTS[agent - 1] ?? ''] : undefined;
        expect(hold).toBe(spec === undefined ? 'removed' : spec.enabled ? null : 'disabled');
        expect(spec === undefined ? max : spec.concurrency).toBe(max);
      }
      const due = await db.query<{ name: string }>(sql`
        select name from schedule where repo_id = ${repo.repoId} and retired_at is null order by name
      `);
      expect(due.map(({ name }) => name)).toEqual(
        desired
          .filter(({ kind }) => kind === 'schedule')
          .map(({ name }) => name)
          .sort(),
      );
    }),
    { numRuns: 12 },
  );
});
