import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { orchestratorFixture, publishAll } from './orchestrator-fixture.ts';
import { AGENT } from './spec-fixture.ts';

test('an effect that the file no longer allows is not carried out, and fails its job', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({
    outputs: [{ type: 'issue', title: 'Slow', description: 'It is slow.' }],
  });
  const { issue: _issue, ...allow } = AGENT.allow;
  await fixture.setSpec({ agents: { builder: { ...AGENT, allow } } });

  await publishAll(fixture);

  expect(await fixture.job(jobId)).toMatchObject({
    state: 'failed',
    reason: 'effect',
    detail: expect.stringContaining('the builder may no longer write `issue`'),
  });
});

test('effects that fail trip the breaker, although every attempt succeeded', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const deps = { ...fixture.deps, recheckArtifact: async () => ['It is protected.'] };

  for (const name of ['a', 'b', 'c']) {
    await fixture.work({ files: { [`src/${name}.ts`]: 'export {};\n' } });
    await publishAll({ ...fixture, deps });
  }

  expect(await db.query(sql`select kind, reason from lane_hold`)).toEqual([
    { kind: 'breaker', reason: '3 jobs in a row failed' },
  ]);
});
