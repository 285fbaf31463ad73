import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import {
  type CredentialNews,
  forgetCredential,
  listCredentials,
  recordCredential,
} from './credentials.ts';

const SOON = new Date(Date.now() + 60_000);
const LATER = new Date(Date.now() + 3_600_000);

const news = (values: Partial<CredentialNews> & { name: string }): CredentialNews => ({
  state: 'throttled',
  until: SOON,
  detail: 'too many calls',
  since: new Date(Date.now() + 1_000),
  ...values,
});
const ok = (name: string, since = new Date(Date.now() + 1_000)): CredentialNews =>
  news({ name, state: 'ok', until: undefined, since });

test('a limit is known to all until it has passed', async ({ db }) => {
  await recordCredential(db, news({ name: 'a', state: 'exhausted', until: LATER }));
  await recordCredential(db, news({ name: 'b', until: new Date(Date.now() - 1) }));

  const known = await listCredentials(db);

  expect(known.get('a')).toEqual({ state: 'exhausted', until: LATER.getTime() });
  expect(known.get('b')).toEqual({ state: 'ok' });
});

test('a shorter limit never replaces a longer one', async ({ db }) => {
  await recordCredential(db, news({ name: 'c', state: 'exhausted', until: LATER }));

  const shorter = await recordCredential(db, news({ name: 'c' }));
  const longer = await recordCredential(
    db,
    news({ name: 'c', state: 'exhausted', until: new Date(LATER.getTime() + 1) }),
  );

  expect([shorter, longer]).toEqual([false, true]);
});

test('a success lifts what was seen before its call began, and nothing newer', async ({ db }) => {
  const before = new Date(Date.now() - 60_000);
  await recordCredential(db, news({ name: 'd', state: 'exhausted', until: LATER }));

  const overtaken = await recordCredential(db, ok('d', before));
  const lifted = await recordCredential(db, ok('d'));

  expect([overtaken, lifted]).toEqual([false, true]);
  expect((await listCredentials(db)).get('d')).toEqual({ state: 'ok' });
});

test('a refused key stays refused, whatever limits come after, until it works or a person steps in', async ({
  db,
}) => {
  await recordCredential(db, news({ name: 'e', state: 'auth_error', until: undefined }));

  const limit = await recordCredential(db, news({ name: 'e' }));
  const known = await listCredentials(db);
  const forgotten = await forgetCredential(db, 'e');

  expect(limit).toBe(false);
  expect(known.get('e')).toEqual({ state: 'auth_error' });
  expect([forgotten, (await listCredentials(db)).has('e')]).toEqual([true, false]);
});
