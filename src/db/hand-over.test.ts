import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { insertJobs } from './enqueue.ts';
import { handOverTo } from './hand-over.ts';
import { getJob } from './job-rows.ts';
import { turn } from './turn.ts';

const at = '2026-01-01T00:00:00Z';

test('of a running job the newest hand-over stands behind what people said', async ({ db }) => {
  await resetQueue(db);
  const note = { kind: 'note', author: 'ada', text: 'Small.', at } as const;
  const [id = 0] = await insertJobs(db, [newJob({ input: [note] })]);
  await handOverTo(db, id ?? 0, { author: 'autodev', text: 'too early', at });
  const { runner, epoch } = await newRunner(db, 'hand-over');
  await turn(db, { ends: [], runner, epoch, agents: ['builder'], claim: 1, lanes: 8 });

  await handOverTo(db, id ?? 0, { author: 'autodev', text: 'first', at });
  await handOverTo(db, id ?? 0, { author: 'autodev', text: 'second', at });

  expect((await getJob(db, id ?? 0))?.input).toEqual([
    note,
    { kind: 'hand_over', author: 'autodev', text: 'second', at },
  ]);
});
