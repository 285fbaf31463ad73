import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { writeAudit } from './audit.ts';
import { sql } from './sql.ts';

test('an act and its record stand together or not at all', async ({ db }) => {
  const entry = { actor: 'ada', action: 'job.cancel', target: 'j_1' };

  await db.transaction((tx) => writeAudit(tx, { ...entry, repoId: 1, detail: { reason: 'Old.' } }));
  const failed = db.transaction(async (tx) => {
    await writeAudit(tx, { ...entry, target: 'j_2' });
    throw new Error('the act failed');
  });

  await expect(failed).rejects.toThrow('the act failed');
  expect(
    await db.query(sql`select actor, action, target, repo_id, detail, hash from audit`),
  ).toEqual([{ ...entry, repo_id: 1, detail: { reason: 'Old.' }, hash: null }]);
});
