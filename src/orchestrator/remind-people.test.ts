import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { startReview } from './review-fixture.ts';
import { rule } from './spec-fixture.ts';

test('people are reminded once, by a note that notifies those whom the rule names', async ({
  db,
}) => {
  const approvals = { default: rule({ users: ['alice'], remindMs: 86_400_000 }) };
  await using story = await startReview(db, { spec: { approvals } });
  await story.look();
  const reminders = () => story.notes().filter(({ body }) => body.includes('autodev:reminder'));
  expect(reminders()).toHaveLength(0);

  await db.query(sql`update gate set opened_at = now() - interval '2 days'`);
  await story.look();
  await story.look();

  expect(reminders()).toHaveLength(1);
  expect(reminders()[0]?.body).toContain('@alice');
});
