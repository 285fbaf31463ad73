import { expect, test } from 'vitest';

import { retention } from './retention.ts';

test('the policy says how long things are kept, and what it does not say has its default', () => {
  expect(retention({ version: 1 })).toEqual({
    transcripts: 30,
    jobEvents: 90,
    jobs: 400,
    artifacts: 7,
    events: 7,
    sessions: 30,
  });
  expect(
    retention({ version: 1, retention: { transcripts: '36h', webhooks: '2w', jobs: '90d' } }),
  ).toMatchObject({ transcripts: 2, events: 14, jobs: 90, jobEvents: 90 });
});
