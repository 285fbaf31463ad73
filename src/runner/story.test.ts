import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { findArtifact } from '../db/artifacts.ts';
import { getAttempt } from '../db/attempts.ts';
import { listEffects } from '../db/effects.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const WRITE = `write() { echo "$1" >> "$AUTODEV_OUTPUTS"; }\n`;

test('a job becomes one commit with its effects, by a program that reads a task and writes outputs', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({
    builder: {
      worker: `${WRITE}
        grep -q '"title": "Say two"' "$AUTODEV_TASK_FILE" && echo two >> src/add.txt
        echo working on it
        write '{"type":"issue","title":"Seen","description":"More."}'
        write '{"type":"merge_request","title":"Draft: Say /two","description":"Why."}'`,
      setup: ['echo ready > "$HOME/ready"'],
      check: ['grep -q two src/add.txt && test -e "$HOME/ready"'],
    },
  });
  const head = s.git('rev-parse', 'main');
  const id = await s.queue();

  s.start();
  const job = await s.until(id, 'publishing', 'failed');

  expect([job.state, job.reason, job.detail]).toEqual([
    'publishing',
    'succeeded',
    'The work is done.',
  ]);
  const artifact = await findArtifact(db, { jobId: id });
  expect(artifact).toMatchObject({
    base: head,
    stat: { files: 1, added: 1, removed: 0, paths: ['src/add.txt'] },
  });
  expect(artifact?.diff).toContain('+two');
  const effects = await listEffects(db, id);
  expect(effects.map(({ type, position, state }) => [type, position, state])).toEqual([
    ['issue', 1, 'pending'],
    ['merge_request', 2, 'pending'],
  ]);
  const attempt = await getAttempt(db, { jobId: id, attempt: 1 });
  expect(attempt).toMatchObject({ base: head, reason: 'succeeded', provider: 'command' });
  expect(attempt.checks.map(({ exit }) => exit)).toEqual([0, 0]);
  expect(await s.transcript(id)).toContain('working on it');
});
