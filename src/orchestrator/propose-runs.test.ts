import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { insertGatedJobs } from '../db/run-gates.ts';
import { proposeRuns } from './propose-runs.ts';
import { startReview } from './review-fixture.ts';
import { rule } from './spec-fixture.ts';

test('a job that people must let start is put to them as a proposal, which leaves nothing behind', async ({
  db,
}) => {
  const approvals = { first: rule({ gate: 'run', agents: ['devops'] }) };
  await using story = await startReview(db, { spec: { approvals } });
  const { gitlab, bob, deps, fixture } = story;
  const [id] = await db.transaction((tx) =>
    insertGatedJobs(tx, [
      {
        repoId: fixture.repoId,
        agent: 'devops',
        title: 'Clean up',
        task: 'Clean up.',
        trust: 'owner',
        trigger: { kind: 'schedule', name: 'weekly', actor: 'autodev' },
      },
    ]),
  );
  await proposeRuns(deps, fixture.signal);
  await proposeRuns(deps, fixture.signal);
  await story.advance(60_000);
  const proposal = gitlab.state.mergeRequests.at(-1);
  expect(gitlab.state.mergeRequests).toHaveLength(2);
  expect(proposal).toMatchObject({ title: 'Start devops: Clean up', author: story.bot });
  expect(await fixture.job(id ?? 0)).toMatchObject({ state: 'waiting', waitReason: 'gate' });

  if (proposal) {
    await gitlab.as(bob).approve(proposal);
  }
  await story.look();

  expect(await fixture.job(id ?? 0)).toMatchObject({ state: 'queued' });
  expect(proposal?.state).toBe('closed');
  expect(await gitlab.head(story.project, proposal?.sourceBranch)).toBeUndefined();
});
