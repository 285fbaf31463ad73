import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const NOOP = `echo '{"type":"noop","reason":"Done."}' >> "$AUTODEV_OUTPUTS"`;
const HOUR_MS = 3_600_000;

test('nothing more is begun for a root job whose lifetime is over, unless a person put it on', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const limits = { lifetimeMs: 24 * HOUR_MS };
  await s.apply({ builder: { worker: NOOP, limits }, tester: { worker: NOOP, limits } });
  const root = await s.queue({ agent: 'reviewer' });
  await db.query(sql`update job set created_at = now() - interval '25 hours' where id = ${root}`);
  const handOff = { kind: 'hand_off', actor: 'autodev', from_job: root } as const;
  const follower = await s.queue({ rootId: root, parentId: root, trigger: handOff });
  const retried = await s.queue({
    rootId: root,
    agent: 'tester',
    trigger: { kind: 'retry', actor: 'ada', from_job: root },
  });
  const afterRetry = await s.queue({ rootId: root, parentId: retried, trigger: handOff });
  s.start({ agents: ['builder', 'tester'] });

  const ends = [
    await s.until(follower, 'succeeded', 'failed'),
    await s.until(retried, 'succeeded', 'failed'),
    await s.until(afterRetry, 'succeeded', 'failed'),
  ];

  expect(ends.map(({ state, reason }) => [state, reason])).toEqual([
    ['failed', 'lifetime'],
    ['succeeded', 'noop'],
    ['succeeded', 'noop'],
  ]);
  expect(ends[0]?.detail).toContain('began more than limits.lifetime ago');
});
