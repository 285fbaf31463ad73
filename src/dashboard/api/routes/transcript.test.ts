import { zstdCompressSync } from 'node:zlib';

import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import type { Queryable } from '../../../db/db.ts';
import { sql } from '../../../db/sql.ts';
import { insertJob, insertRepo } from '../../../db/views/rows-fixture.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { TOKEN, setupApi } from '../api-fixture.ts';

test('a transcript is JSON lines, over chunks and attempts', async ({ db }) => {
  const { call } = setupApi(db);
  const id = await insertJob(db, await insertRepo(db));
  await say(db, { id, attempt: 1, chunk: 0, first: 0 }, ['{"n":1}', '{"n":2}']);
  await say(db, { id, attempt: 1, chunk: 1, first: 2 }, ['{"n":3}']);
  await say(db, { id, attempt: 2, chunk: 0, first: 0 }, ['{"n":4}']);

  const all = await call('GET', `/api/v1/jobs/j_${id}/transcript`);
  const one = await call('GET', `/api/v1/jobs/j_${id}/transcript?attempt=2`);

  expect(all.headers['content-type']).toMatch('application/x-ndjson');
  expect(all.text).toBe('{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n');
  expect(one.text).toBe('{"n":4}\n');
});

test('the stream of a final job ends with its state, and goes on behind the last id', async ({
  db,
}) => {
  const { call } = setupApi(db);
  const id = await insertJob(db, await insertRepo(db), { state: 'succeeded' });
  await say(db, { id, attempt: 1, chunk: 0, first: 0 }, ['{"n":1}', '{"n":2}', '{"n":3}']);

  const answer = await call('GET', `/api/v1/jobs/j_${id}/transcript`, {
    headers: { accept: 'text/event-stream', 'last-event-id': '1.1' },
  });

  expect(answer.headers['content-type']).toMatch('text/event-stream');
  expect(answer.text).toBe(
    ': connected\n\nid: 1.2\ndata: {"n":3}\n\nevent: end\ndata: {"state":"succeeded"}\n\n',
  );
});

test('the stream of a running job brings what is said while it is read', async ({ db }) => {
  const { listen } = setupApi(db);
  const id = await insertJob(db, await insertRepo(db), { state: 'running' });
  await say(db, { id, attempt: 1, chunk: 0, first: 0 }, ['{"n":1}']);
  const url = await listen();

  const stream = await read(`${url}/api/v1/jobs/j_${id}/transcript`);
  await stream.until('{"n":1}');
  await say(db, { id, attempt: 1, chunk: 1, first: 1 }, ['{"n":2}']);
  await stream.until('{"n":2}');
  await db.query(sql`
    with gone as (delete from job where id = ${id} returning *)
    insert into job_done select gone.*, now() from gone`);
  await db.query(sql`update job_done set state = 12 where id = ${id}`);
  const text = await stream.until('event: end');

  expect(text).toContain('id: 1.0\ndata: {"n":1}\n\nid: 1.1\ndata: {"n":2}\n\n');
});

test('what is said wakes those who follow that job, without waiting for a poll', async ({ db }) => {
  const clock = movedClock();
  const { listen } = setupApi(db, {}, { clock });
  const repoId = await insertRepo(db);
  const [id, other] = [
    await insertJob(db, repoId, { state: 'running' }),
    await insertJob(db, repoId, { state: 'running' }),
  ];
  const url = await listen();
  const stream = await read(`${url}/api/v1/jobs/j_${id}/transcript`);
  await read(`${url}/api/v1/jobs/j_${other}/transcript`);
  await stream.until(': connected');
  await expect.poll(() => clock.sleeping()).toBe(2);

  await say(db, { id, attempt: 1, chunk: 0, first: 0 }, ['{"n":1}']);
  await db.query(sql`select pg_notify('transcript', ${String(id)})`);
  const text = await stream.until('{"n":1}');

  expect(text).toContain('id: 1.0');
});

test('a stream on which nothing is said carries a comment every 15 seconds', async ({ db }) => {
  const clock = movedClock();
  const { listen } = setupApi(db, {}, { clock });
  const id = await insertJob(db, await insertRepo(db), { state: 'running' });
  const url = await listen();
  const stream = await read(`${url}/api/v1/jobs/j_${id}/transcript`);
  await expect.poll(() => clock.sleeping()).toBe(1);

  clock.move(14_000);
  await expect.poll(() => clock.sleeping()).toBe(1);
  clock.move(1_000);
  const text = await stream.until(': still here');

  expect(text).toBe(': connected\n\n: still here\n\n');
});

/** Time that stands still until a test moves it. */
function movedClock(): Clock & { move: (ms: number) => void; sleeping: () => number } {
  let nowMs = Date.UTC(2026, 0, 1);
  const sleepers = new Set<{ untilMs: number; wake: () => void }>();
  return {
    now: () => new Date(nowMs),
    sleep: (ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper = { untilMs: nowMs + ms, wake: resolve };
      sleepers.add(sleeper);
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) {
        resolve();
      }
      return promise.finally(() => sleepers.delete(sleeper));
    },
    sleeping: () => sleepers.size,
    move: (ms) => {
      nowMs += ms;
      for (const { untilMs, wake } of sleepers) {
        if (untilMs <= nowMs) {
          wake();
        }
      }
    },
  };
}

interface Chunk {
  id: number;
  attempt: number;
  chunk: number;
  first: number;
}

async function say(
  db: Queryable,
  { id, attempt, chunk, first }: Chunk,
  lines: string[],
): Promise<void> {
  const body = zstdCompressSync(lines.map((line) => `${line}\n`).join(''));
  await db.query(sql`insert into transcript (job_id, attempt, chunk, first_line, lines, body)
    values (${id}, ${attempt}, ${chunk}, ${first}, ${lines.length}, ${body})`);
}

/** Reads a stream until something is in it. */
async function read(url: string): Promise<{ until: (part: string) => Promise<string> }> {
  const { body } = await fetch(url, {
    headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' },
  });
  const parts = (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    until: async (part) => {
      while (!text.includes(part)) {
        const { value, done } = await parts.read();
        if (done) {
          throw new Error(`the stream ended without ${part}:\n${text}`);
        }
        text += value;
      }
      return text;
    },
  };
}
