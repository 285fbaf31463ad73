import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { installationId } from './installation.ts';

test('every process on a database is of the same installation, also when they start together', async ({
  connection,
  db,
}) => {
  await using other = await openPool(connection);

  const ids = await Promise.all([db, other, db, other].map((one) => installationId(one)));

  expect(ids[0]).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set(ids).size).toBe(1);
  expect(await installationId(db)).toBe(ids[0]);
});
