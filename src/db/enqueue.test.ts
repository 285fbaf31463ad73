import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { createEnqueuer } from '../../test/enqueuer.ts';
import { counterDrift, newJob, resetQueue } from '../../test/queue.ts';
import { insertJobs, notifyWork } from './enqueue.ts';
import { getJob } from './job-rows.ts';
import { sql } from './sql.ts';

test('a job keeps all that it was made with', async ({ db }) => {
  await resetQueue(db);
  const wakeAt = new Date('2030-01-01T00:00:00Z');
  const job = newJob({
    priority: 7,
    state: { waiting: 'gate', wakeAt },
    dedupeKey: 'k',
    rootId: 3,
    parentId: 4,
    depth: 2,
    subject: { kind: 'merge_request', id: 9 },
    staged: true,
    base: 'abc',
    branch: 'autodev/x',
    mergeRequestId: 5,
    input: [
      { kind: 'note', author: 'ada', text: '"quoted" \\ {a,b} ü', at: '2026-01-01T00:00:00Z' },
    ],
  });

  const [id] = await insertJobs(db, [job]);

  const { state: _, ...rest } = job;
  expect(await getJob(db, id ?? 0)).toMatchObject({
    ...rest,
    id,
    state: 'waiting',
    waitReason: 'gate',
    wakeAt,
    attempts: 0,
    reason: null,
  });
  expect(await counterDrift(db)).toBe(0);
});

test('a job without a root is its own, and what is not known is null', async ({ db }) => {
  await resetQueue(db);

  const [id] = await insertJobs(db, [newJob()]);

  expect(await getJob(db, id ?? 0)).toMatchObject({
    rootId: id,
    parentId: null,
    subject: null,
    priority: 100,
    state: 'queued',
    input: [],
  });
  expect(await getJob(db, 999)).toBeUndefined();
});

test('ids grow in the order of the jobs, whatever their keys', async ({ db }) => {
  await resetQueue(db, { repos: 3 });

  const ids = await insertJobs(db, [
    newJob({ repoId: 3, dedupeKey: 'z' }),
    newJob({ repoId: 1 }),
    newJob({ repoId: 2, dedupeKey: 'a' }),
  ]);

  expect(ids).toEqual([1, 2, 3]);
  expect(await insertJobs(db, [])).toEqual([]);
});

test('a key that is taken makes no job and does not count as ready', async ({ db }) => {
  await resetQueue(db);
  await insertJobs(db, [newJob({ dedupeKey: 'k' })]);

  const ids = await insertJobs(db, [
    newJob({ dedupeKey: 'k' }),
    newJob({ dedupeKey: 'new' }),
    newJob({ dedupeKey: 'new' }),
  ]);

  expect(ids).toEqual([undefined, expect.any(Number), undefined]);
  expect(await counterDrift(db)).toBe(0);
});

test('a job in review frees its key', async ({ db }) => {
  await resetQueue(db);
  await insertJobs(db, [newJob({ dedupeKey: 'k' })]);
  await db.query(sql`update job set state = 4`);

  const [id] = await insertJobs(db, [newJob({ dedupeKey: 'k' })]);

  expect(id).toEqual(expect.any(Number));
});

test('an agent that the repository has not is named, and nothing is made', async ({ db }) => {
  await resetQueue(db, { agents: ['builder'] });

  const made = insertJobs(db, [newJob(), newJob({ agent: 'security' })]);

  await expect(made).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('security'),
  });
  expect(await db.query(sql`select from job`)).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('two callers with the same keys in opposite orders do not deadlock', async ({
  db,
  connection,
}) => {
  await resetQueue(db);
  await using rival = await openPool(connection);
  const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
  const jobs = keys.map((dedupeKey) => newJob({ dedupeKey }));

  const made = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      insertJobs(i % 2 ? db : rival, i % 2 ? jobs : jobs.toReversed()),
    ),
  );

  expect(made.flat().filter((id) => id !== undefined)).toHaveLength(50);
  expect(await counterDrift(db)).toBe(0);
});

test('calls of many callers share inserts, and each gets its own answer', async ({ db }) => {
  await resetQueue(db, { agents: ['builder'] });
  const { enqueue } = createEnqueuer({ db });

  const answers = await Promise.allSettled([
    ...Array.from({ length: 100 }, () => enqueue(newJob())),
    enqueue(newJob({ agent: 'pm' })),
    enqueue(newJob({ dedupeKey: 'k' })),
    enqueue(newJob({ dedupeKey: 'k' })),
  ]);

  const ids = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'failed'));
  expect(new Set(ids.slice(0, 100)).size).toBe(100);
  expect(ids.slice(100)).toEqual(['failed', expect.any(Number), undefined]);
  expect(await counterDrift(db)).toBe(0);
});

test('the enqueuer answers after the commit and then says that there is work', async ({ db }) => {
  await resetQueue(db);
  const listening = new AbortController();
  let notified = 0;
  await db.listen('job', () => (notified += 1), listening.signal);

  const id = await createEnqueuer({ db }).enqueue(newJob());
  const visible = await getJob(db, id ?? 0);

  expect(visible?.id).toBe(id);
  // The first came with listening itself.
  await expect.poll(() => notified).toBe(2);
  await notifyWork(db);
  await expect.poll(() => notified).toBe(3);
  listening.abort();
});
