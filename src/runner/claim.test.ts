import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { getAttempt } from '../db/attempts.ts';
import { sql } from '../db/sql.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const NOOP = `echo '{"type":"noop","reason":"Done."}' >> "$AUTODEV_OUTPUTS"`;

test('an agent that is gone from the file ends its job, one without its provider waits', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ tester: { providers: [{ name: 'codex' }] } });
  const gone = await s.queue();
  const codex = await s.queue({ agent: 'tester' });
  s.start();

  const cancelled = await s.until(gone, 'cancelled', 'failed');
  const waiting = await s.until(codex, 'waiting', 'failed');

  expect(cancelled.detail).toBe('The agent builder is no longer listed in autodev.yaml.');
  expect([waiting.waitReason, waiting.detail]).toEqual([
    'provider',
    'No runner here has codex (its program, or its key).',
  ]);
  expect(await counterDrift(db)).toBe(0);
});

test('a job that nothing can run is not looked at beyond its lifetime', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { providers: [{ name: 'codex' }], limits: { lifetimeMs: 1000 } } });
  const id = await s.queue();
  s.start();

  const job = await s.until(id, 'waiting', 'failed');

  expect([job.state, job.detail]).toEqual([
    'failed',
    'No runner here has codex (its program, or its key).',
  ]);
});

test('a schedule narrows its agent, and policy has the last word', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: NOOP } },
    {
      schedules: {
        nightly: {
          agent: 'builder',
          enabled: true,
          cron: '0 2 * * *',
          timezone: 'UTC',
          with: { paths: ['docs/**'] },
          when: {},
          overlap: 'skip',
          missed: 'skip',
          jitterMs: 0,
        },
      },
    },
  );
  const id = await s.queue({ trigger: { kind: 'schedule', name: 'nightly', actor: 'autodev' } });
  s.start({ policy: ({ spec }) => ({ spec: { ...spec, mode: 'staged' } }) });

  await s.until(id, 'succeeded', 'failed');

  const { spec } = await getAttempt(db, { jobId: id, attempt: 1 });
  expect([spec.paths, spec.mode]).toEqual([['docs/**'], 'staged']);
});

test('a tripped lane that opens again lets one job try, and its success frees the others', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: `sleep 1; ${NOOP}` } });
  await db.query(sql`
    insert into breaker (repo_id, agent, failures, tripped_at) values (${s.repo.id}, 3, 3, now() - interval '25 hours')
  `);
  const ids = [await s.queue(), await s.queue(), await s.queue()];
  s.start();

  await s.until(ids[0] ?? 0, 'running');
  const meanwhile = await db.query(sql`select state::int as state from job order by id`);
  const holds = await db.query(sql`select kind, reason from lane_hold`);
  await Promise.all(ids.map((id) => s.until(id, 'succeeded', 'failed')));

  expect(meanwhile).toEqual([{ state: 1 }, { state: 0 }, { state: 0 }]);
  expect(holds).toEqual([
    { kind: 'breaker', reason: 'j_1 tries whether it works again; the others wait for it' },
  ]);
  expect(await db.query(sql`select 1 from breaker`)).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('a replay runs with the provider that it was given, not with the first of the file', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const command = { name: 'command', run: ['/bin/sh', '.autodev/builder.sh'], llm: false } as const;
  await s.apply({ builder: { worker: NOOP, providers: [command, { name: 'codex' }] } });
  const by = { kind: 'replay', actor: 'ada' } as const;
  const codex = await s.queue({ trigger: { ...by, provider: 'codex' } });
  const claude = await s.queue({ trigger: { ...by, provider: 'claude' } });
  s.start();

  const jobs = [
    await s.until(codex, 'waiting', 'succeeded'),
    await s.until(claude, 'waiting', 'succeeded'),
  ];

  expect(jobs.map(({ detail }) => detail)).toEqual([
    'No runner here has codex (its program, or its key).',
    'No runner here has claude (its program, or its key).',
  ]);
});

test('three failures in a row hold the lane', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: 'exit 1' } });
  const ids = [await s.queue(), await s.queue(), await s.queue()];
  s.start();

  await Promise.all(ids.map((id) => s.until(id, 'failed')));

  const holds = await db.query(sql`select kind, reason from lane_hold`);
  expect(holds).toEqual([{ kind: 'breaker', reason: '3 jobs in a row failed' }]);
});
