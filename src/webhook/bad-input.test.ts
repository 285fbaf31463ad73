import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import * as fc from 'fast-check';
import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { isWithinJsonLimits } from './json-limits.ts';
import { readHook } from './read-hook.ts';
import { payloads, webhookFixture } from './webhook-fixture.ts';
import { MOST_HOOK_BYTES } from './webhook.ts';

const whole = JSON.stringify(payloads.mergeRequest());

test.for([
  ['cut off', whole.slice(0, -9), 400, 'bad_json'],
  ['empty', '', 400, 'bad_json'],
  ['a list', '[]', 200, 'malformed'],
  ['a text', '"push"', 200, 'malformed'],
  [
    'deep',
    `{"object_kind":"push","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    400,
    'too_deep',
  ],
  ['deep and cut off', '{"a":'.repeat(50), 400, 'too_deep'],
  ['of many parts', `[${'0,'.repeat(500_000)}0]`, 400, 'too_deep'],
  ['too large', `{"a":"${'x'.repeat(MOST_HOOK_BYTES)}"}`, 413, 'too_large'],
] as const)(
  'a body that is %s is refused or passed over',
  async ([, body, status, reason], { db }) => {
    await using hooks = await webhookFixture(db);
    await hooks.repo(15);

    const answer = await hooks.send(body);

    expect(answer.statusCode).toBe(status);
    expect(await hooks.counts()).toEqual({ [reason]: 1 });
    expect(await db.query(sql`select 1 from hook_delivery`)).toEqual([]);
  },
);

test('a body as large as is allowed is taken, and one that is no JSON is not read', async ({
  db,
}) => {
  await using hooks = await webhookFixture(db);
  const repoId = await hooks.repo(15);
  const room = MOST_HOOK_BYTES - JSON.stringify({ ...payloads.issue(), big: '' }).length;

  const largest = await hooks.send({ ...payloads.issue(), big: 'x'.repeat(room) });
  const form = await hooks.send('object_kind=push', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

  expect([largest.statusCode, form.statusCode]).toEqual([200, 415]);
  expect(await hooks.hints(repoId)).toEqual(['issue:23']);
});

test('deliveries in the wrong order ask to look at the same things', async ({ db }) => {
  await using hooks = await webhookFixture(db);
  const repoId = await hooks.repo(15);
  const story = [
    payloads.issue({ action: 'open' }),
    payloads.mergeRequest({ action: 'open' }),
    payloads.issue({ action: 'close' }),
    payloads.mergeRequest({ action: 'merge' }),
  ];

  for (const payload of story.toReversed()) {
    await hooks.send(payload);
  }

  expect((await hooks.hints(repoId)).toSorted()).toEqual(['issue:23', 'merge_request:16']);
});

test('whatever JSON is signed, it is answered with 200 and harms nothing', async ({ db }) => {
  await using hooks = await webhookFixture(db);
  await hooks.repo(15);
  const kind = fc.constantFrom(
    'push',
    'tag_push',
    'issue',
    'note',
    'merge_request',
    'pipeline',
    'x',
  );
  const body = fc.record(
    {
      object_kind: fc.oneof(kind, fc.jsonValue()),
      event_type: fc.jsonValue(),
      project: fc.oneof(fc.constant({ id: 15 }), fc.jsonValue()),
      project_id: fc.jsonValue(),
      ref: fc.oneof(fc.constant('refs/heads/main'), fc.string({ unit: 'binary' }), fc.jsonValue()),
      after: fc.oneof(fc.constant('a'.repeat(40)), fc.jsonValue()),
      object_attributes: fc.oneof(
        fc.record({
          iid: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
          id: fc.oneof(fc.integer(), fc.jsonValue()),
          noteable_type: fc.oneof(fc.constantFrom('Issue', 'MergeRequest'), fc.jsonValue()),
          status: fc.oneof(fc.constant('failed'), fc.jsonValue()),
        }),
        fc.jsonValue(),
      ),
      issue: fc.oneof(fc.record({ iid: fc.integer() }), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );

  await fc.assert(
    fc.asyncProperty(fc.oneof(body, fc.jsonValue()), async (value) => {
      const { statusCode } = await hooks.send(JSON.stringify(value));

      expect(statusCode).toBe(200);
    }),
    { numRuns: 300 },
  );
  const counts = await hooks.counts();
  expect(Object.keys(counts)).not.toContain('failed');
});

test('whatever bytes come, signed or not, nothing crashes and only what is signed is stored', async ({
  db,
}) => {
  await using hooks = await webhookFixture(db);
  await hooks.repo(15);
  const known = Buffer.from(JSON.stringify(payloads.push()));
  const broken = fc
    .tuple(fc.nat(known.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }))
    .map(([at, bytes]) => Buffer.concat([known.subarray(0, at), bytes, known.subarray(at)]));

  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        broken,
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      ),
      fc.boolean(),
      async (body, signed) => {
        const answer = await hooks.send(body, signed ? {} : { signature: 'v1,AAAA' });

        expect(signed ? [200, 400] : [401]).toContain(answer.statusCode);
      },
    ),
    { numRuns: 200 },
  );
  expect(Object.keys(await hooks.counts())).not.toContain('failed');
});

test('the limits of JSON pass over whatever stands inside texts', () => {
  const texts = ['[', '{"', '\\', '"[[[[', ',,,,'].map((text) => text.repeat(200));

  expect(isWithinJsonLimits(Buffer.from(JSON.stringify(texts)))).toBe(true);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(isWithinJsonLimits(Buffer.from(JSON.stringify(value)))).toBe(true);
    }),
  );
});

const contracts = process.env['AUTODEV_CONTRACTS'];
const folder = contracts ? path.join(contracts, 'gitlab/webhooks') : undefined;

/** What each documented payload is about; of those that are not named nobody needs to know. */
const DOCUMENTED: Readonly<Record<string, string>> = {
  push: 'ref',
  tag_push: 'ref',
  issue: 'issue',
  note_issue: 'note',
  note_merge_request: 'note',
  pipeline: 'pipeline',
};

test.skipIf(folder === undefined)(
  "every payload of GitLab's documentation is answered with 200, and understood",
  async ({ db }) => {
    await using hooks = await webhookFixture(db);
    for (const file of readdirSync(folder ?? '').filter((name) => name.endsWith('.json'))) {
      const body: unknown = JSON.parse(readFileSync(path.join(folder ?? '', file), 'utf8'));
      const read = readHook(body);
      const name = path.basename(file, '.json');
      const about = /^(merge_request_|external_)/.test(name) ? 'merge_request' : DOCUMENTED[name];

      const { statusCode } = await hooks.send(body);

      expect([
        name,
        statusCode,
        read.outcome,
        'subject' in read ? read.subject?.kind : undefined,
      ]).toEqual([name, 200, about === undefined ? 'uninteresting' : 'interesting', about]);
    }
  },
);
