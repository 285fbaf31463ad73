import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { MergeRequestFacts } from './forge-facts.ts';
import { after, BOT, commit, HEAD, OTHER, person, question, rule } from './forge-scenarios.ts';
import { decideForgeVotes, QUIET_MS } from './forge-verdict.ts';
import type { Role } from './role.ts';

const NAMES = ['ann', 'ben', 'cat', 'dan'] as const;
const HEADS = [HEAD, OTHER] as const;
const seconds = fc.integer({ min: -60, max: 120 }).map((s) => after(s * 1000));
const body = fc.oneof(
  fc.constantFrom(...HEADS).map((sha) => `/autodev approve ${sha.slice(0, 12)}`),
  fc.constantFrom(
    '/autodev reject no',
    '/autodev changes more',
    'fine',
    '> /autodev reject no',
    '/autodev stop',
  ),
);

const anyNote = fc.record({
  id: fc
    .uniqueArray(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 1 })
    .map(([id]) => String(id)),
  by: fc.constantFrom(...NAMES).map((name) => `id-${name}`),
  body,
  at: seconds,
  edited: fc.constantFrom(false, false, false, true),
  system: fc.constantFrom(false, false, false, true),
});

const anyRequest = fc.record({
  notes: fc.uniqueArray(anyNote, { maxLength: 6, selector: ({ id }) => id }).map((notes) =>
    notes.map(({ edited, ...one }) => ({
      ...one,
      updatedAt: edited ? new Date(one.at.getTime() + 1) : one.at,
      internal: false,
    })),
  ),
  approvals: fc.uniqueArray(
    fc.record({ by: fc.constantFrom(...NAMES, 'x').map((name) => `id-${name}`), at: seconds }),
    { maxLength: 3, selector: ({ by }) => by },
  ),
  people: fc.tuple(
    ...NAMES.map((name) =>
      fc
        .record({
          role: fc.constantFrom<Role>('developer', 'developer', 'maintainer', 'guest'),
          bot: fc.constantFrom(false, false, false, true),
          active: fc.constantFrom(true, true, true, false),
        })
        .map((change) => person(name, change)),
    ),
  ),
  pusher: fc.constantFrom(undefined, ...NAMES),
  state: fc.constantFrom<MergeRequestFacts['state']>('open', 'open', 'open', 'merged', 'closed'),
  draft: fc.constantFrom(false, false, false, true),
  mergedBy: fc.constantFrom(undefined, BOT, ...NAMES.map((name) => `id-${name}`)),
});

const anyQuestion = fc
  .record({
    read: anyRequest,
    approvals: fc.integer({ min: 0, max: 3 }),
    requesters: fc.subarray([...NAMES]),
    now: fc.integer({ min: 0, max: 200 }).map((s) => after(s * 1000)),
  })
  .map(({ read: { pusher, ...read }, approvals, requesters, now }) => {
    const touched = pusher !== undefined;
    const head = touched ? OTHER : HEAD;
    return question(
      {
        ...read,
        head,
        versions: [{ head, at: after(0) }],
        commits: touched ? [commit(OTHER, `${pusher} Name`, '')] : [commit(HEAD, 'Auto-Dev', '')],
        pushes: touched ? [{ head, by: `id-${pusher}` }] : [],
        mergedAt: read.state === 'merged' ? after(90_000) : undefined,
        mergedCommit: read.state === 'merged' ? 'c'.repeat(40) : undefined,
      },
      {
        rules: { default: rule({ approvals }) },
        requesters,
        now,
        expected: { head, target: 'main' },
      },
    );
  });

test('it opens only by enough people who may vote, each by an own word about this head after the push', () => {
  let opened = 0;
  fc.assert(
    fc.property(anyQuestion, (asked) => {
      const verdict = decideForgeVotes(asked);
      const { request } = asked;
      if (verdict.state !== 'approved') {
        return;
      }
      opened += 1;
      const approvers = verdict.count.approval.rules.flatMap((one) => one.approvers);

      expect(request.draft).toBe(false);
      expect(asked.now.getTime()).toBeGreaterThanOrEqual(after(QUIET_MS).getTime());
      expect(approvers.length).toBeGreaterThanOrEqual(
        Math.max(1, asked.rules['default']?.approvals ?? 1),
      );
      expect(approvers.some((id) => !asked.requesters.includes(id.replace('id-', '')))).toBe(true);
      for (const id of approvers) {
        const voter = request.people.find((one) => one.id === id);
        const byNote = request.notes.some(
          (one) =>
            one.by === id &&
            !one.system &&
            one.at.getTime() === one.updatedAt.getTime() &&
            one.at >= after(0) &&
            one.body === `/autodev approve ${asked.expected.head.slice(0, 12)}`,
        );
        const byButton = request.approvals.some(
          ({ by, at }) => by === id && at !== undefined && at >= after(QUIET_MS),
        );

        expect(voter).toMatchObject({ bot: false, active: true });
        expect(voter?.role).not.toBe('guest');
        expect(request.pushes.map(({ by }) => by)).not.toContain(id);
        expect(byNote || byButton).toBe(true);
      }
    }),
    { numRuns: 4000 },
  );
  expect(opened).toBeGreaterThan(40);
});

test('the order in which things are read, and what is read twice, change nothing', () => {
  fc.assert(
    fc.property(anyQuestion, fc.integer(), (asked, seed) => {
      const { request } = asked;
      const twice = <Item>(items: readonly Item[]): Item[] => shuffle([...items, ...items], seed);
      const again = {
        ...asked,
        request: {
          ...request,
          notes: twice(request.notes),
          approvals: twice(request.approvals),
          people: shuffle(request.people, seed),
          pushes: twice(request.pushes),
          commits: twice(request.commits),
        },
      };
      const told = ({ discounted, ...verdict }: ReturnType<typeof decideForgeVotes>) => ({
        ...verdict,
        discounted: discounted.map(({ by, note, sentence }) => `${by} ${note} ${sentence}`).sort(),
      });

      expect(told(decideForgeVotes(again))).toEqual(told(decideForgeVotes(asked)));
    }),
    { numRuns: 1000 },
  );
});

function shuffle<Item>(items: readonly Item[], seed: number): Item[] {
  return items
    .map((item, i) => ({ item, key: Math.sin(seed + i * 7919) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
