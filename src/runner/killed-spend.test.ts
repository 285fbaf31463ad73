import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { listAttempts } from '../db/attempts.ts';
import { sql } from '../db/sql.ts';
import { CALL, ENOUGH, openModels, working } from './model-fixture.ts';
import { openRunnerFixture } from './runner-fixture.ts';

test('what a killed runner had spent is booked, with the call in flight at what it may have come to', async ({
  db,
  connection,
}) => {
  await using s = await openRunnerFixture(db);
  let isFirst = true;
  await using models = await openModels(s, (request) => {
    const hangs = isFirst && JSON.stringify(request.body).includes('function_call_output');
    return hangs ? { kind: 'hang', when: 'middle' } : working('echo two >> src/add.txt')(request);
  });
  const daily = {
    scope: 'repo',
    per: 'day',
    microUsd: 50_000_000,
    warn: 0.8,
    onExhausted: 'wait',
  } as const;
  await s.apply(
    { builder: { providers: [{ name: 'codex' }], limits: { ...ENOUGH, attempts: 2 } } },
    { budgets: { daily } },
  );
  const id = await s.queue();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'runner-scenarios.ts'), s.folder, models.standIn.url],
    { env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: connection }, stdio: 'inherit' },
  );
  await expect
    .poll(() => db.query(sql`select exact from ledger order by request`), { timeout: 40_000 })
    .toEqual([{ exact: true }, { exact: false }]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  isFirst = false;

  s.start(models.deps);
  const job = await s.until(id, 'publishing', 'failed');

  expect([job.state, job.attempts]).toEqual(['publishing', 2]);
  expect((await listAttempts(db, id)).map(({ reason }) => reason)).toEqual(['lost', 'succeeded']);
  const [lost, done] = await db.query<{ usd: number; exact: boolean }>(
    sql`select micro_usd::int as usd, exact from attempt where job_id = ${id} order by attempt`,
  );
  // One call as it was, and the other with all the output that it may have had.
  expect(lost?.exact).toBe(false);
  expect(lost?.usd).toBeGreaterThan(2 * CALL.microUsd);
  expect(done).toEqual({ usd: 2 * CALL.microUsd, exact: true });
  const total = (lost?.usd ?? 0) + 2 * CALL.microUsd;
  expect(job.microUsd).toBe(total);
  expect(await db.query(sql`select spent::int, reserved::int from budget_window`)).toEqual([
    { spent: total, reserved: 0 },
  ]);
});
