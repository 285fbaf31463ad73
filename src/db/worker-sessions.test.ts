import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from './sql.ts';
import {
  deleteOldWorkerSessions,
  findWorkerSession,
  keepWorkerSession,
  type WorkerSession,
} from './worker-sessions.ts';

const SESSION: WorkerSession = {
  jobId: 7,
  provider: 'codex',
  model: 'gpt-test',
  sessionId: '0199-aa',
  path: '.codex/sessions/a.jsonl',
  content: Buffer.from([0, 1, 255]),
  used: { input: 3, output: 1 },
  trust: 'developer',
};

test('the newest session of a job is kept, byte for byte', async ({ db }) => {
  await keepWorkerSession(db, { ...SESSION, content: Buffer.from('older') });
  await keepWorkerSession(db, SESSION);

  expect(await findWorkerSession(db, 7)).toEqual(SESSION);
  expect(await findWorkerSession(db, 8)).toBeUndefined();
});

test('what nobody went on with is forgotten', async ({ db }) => {
  await keepWorkerSession(db, { ...SESSION, jobId: 20 });
  await keepWorkerSession(db, { ...SESSION, jobId: 21 });
  await db.query(sql`update worker_session set at = now() - interval '31 days' where job_id = 20`);

  expect(await deleteOldWorkerSessions(db, { days: 30 })).toBe(1);

  expect(await findWorkerSession(db, 20)).toBeUndefined();
  expect(await findWorkerSession(db, 21)).toBeDefined();
});
