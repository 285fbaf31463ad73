import { Cron } from 'croner';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { decideSchedule, firstOccurrence, type DueSchedule } from './schedule-policy.ts';
import { createZoneOffset } from './zone-offset.ts';

const utc = (text: string): number => Date.parse(text);
const zoneOffset = createZoneOffset();
const idle = { pending: 0, active: 0, inReview: 0 };

function time(cron: string, timezone: string) {
  const pattern = new Cron(cron, { timezone });
  return { zoneOffset, nextAfter: (at: number) => pattern.nextRun(new Date(at))?.getTime() };
}

function due(change: {
  at: string;
  now?: string;
  spec?: Partial<DueSchedule['spec']>;
  jobs?: Partial<DueSchedule['jobs']>;
  changed?: boolean;
}): DueSchedule {
  return {
    repo: 'group/shop',
    name: 'nightly',
    dueAt: utc(change.at),
    now: utc(change.now ?? change.at),
    spec: {
      missed: 'skip',
      overlap: 'skip',
      timezone: 'UTC',
      jitterMs: 0,
      when: {},
      ...change.spec,
    },
    jobs: { ...idle, ...change.jobs },
    changed: change.changed ?? true,
  };
}

const nightly = time('0 2 * * *', 'UTC');

test('an occurrence on time fires, and the next is tomorrow', () => {
  expect(
    decideSchedule(due({ at: '2026-11-02T02:00Z', now: '2026-11-02T02:00:03Z' }), nightly),
  ).toEqual({
    action: 'fire',
    nominal: utc('2026-11-02T02:00Z'),
    runAt: utc('2026-11-02T02:00Z'),
    next: utc('2026-11-03T02:00Z'),
  });
});

test.each([
  { missed: 'skip', now: '2026-11-02T02:04Z', expected: 'fire' },
  { missed: 'skip', now: '2026-11-02T02:06Z', expected: 'missed' },
  { missed: 'once', now: '2026-11-02T20:00Z', expected: 'fire' },
] as const)('noticed at $now with missed: $missed: $expected', ({ missed, now, expected }) => {
  const decision = decideSchedule(due({ at: '2026-11-02T02:00Z', now, spec: { missed } }), nightly);

  expect(decision.action === 'skip' ? decision.reason : decision.action).toBe(expected);
});

test('after a week of silence the latest occurrence alone is made up for', () => {
  const decision = decideSchedule(
    due({ at: '2026-11-02T02:00Z', now: '2026-11-09T12:00Z', spec: { missed: 'once' } }),
    nightly,
  );

  expect(decision).toMatchObject({
    action: 'fire',
    nominal: utc('2026-11-09T02:00Z'),
    next: utc('2026-11-10T02:00Z'),
  });
});

test('what is older than a day is not made up for', () => {
  const weekly = time('0 2 * * 1', 'UTC');

  expect(
    decideSchedule(
      due({ at: '2026-11-02T02:00Z', now: '2026-11-04T02:00Z', spec: { missed: 'once' } }),
      weekly,
    ),
  ).toMatchObject({ action: 'skip', reason: 'missed', next: utc('2026-11-09T02:00Z') });
});

test.each([
  { overlap: 'skip', jobs: { active: 1 }, expected: 'overlap' },
  { overlap: 'skip', jobs: { pending: 1 }, expected: 'overlap' },
  { overlap: 'skip', jobs: { inReview: 1 }, expected: 'fire' },
  { overlap: 'queue', jobs: { active: 1 }, expected: 'fire' },
  { overlap: 'queue', jobs: { active: 1, pending: 1 }, expected: 'overlap' },
  { overlap: 'skip_until_merged', jobs: { inReview: 1 }, expected: 'unmerged' },
  { overlap: 'skip_until_merged', jobs: { active: 1 }, expected: 'overlap' },
] as const)('overlap: $overlap with $jobs: $expected', ({ overlap, jobs, expected }) => {
  const decision = decideSchedule(
    due({ at: '2026-11-02T02:00Z', spec: { overlap }, jobs }),
    nightly,
  );

  expect(decision.action === 'skip' ? decision.reason : decision.action).toBe(expected);
});

test('without a change in its paths an occurrence is skipped; without `when` it fires', () => {
  const at = '2026-11-02T02:00Z';
  const watched = due({ at, spec: { when: { changed: ['src/**'] } }, changed: false });

  expect(decideSchedule(watched, nightly)).toMatchObject({ action: 'skip', reason: 'unchanged' });
  expect(decideSchedule(due({ at, changed: false }), nightly).action).toBe('fire');
});

test('`until` includes its day in the zone of the schedule', () => {
  const timezone = 'America/Los_Angeles';
  const evening = time('0 22 * * *', timezone);
  const spec = { until: '2026-11-01', timezone };

  const last = decideSchedule(due({ at: '2026-11-02T06:00Z', spec }), evening);
  const late = decideSchedule(due({ at: '2026-11-03T06:00Z', spec }), evening);

  expect(last).toMatchObject({ action: 'fire', next: undefined });
  expect(late).toMatchObject({ action: 'skip', reason: 'ended', next: undefined });
  expect(firstOccurrence(spec, utc('2026-11-02T07:00Z'), evening)).toBeUndefined();
});

test('jitter delays the job by the same time each day and leaves the occurrence alone', () => {
  const spec = { jitterMs: 600_000 };
  const first = decideSchedule(due({ at: '2026-11-02T02:00Z', spec }), nightly);
  const second = decideSchedule(due({ at: '2026-11-03T02:00Z', spec }), nightly);
  const delay = (decision: typeof first): number =>
    decision.action === 'fire' ? decision.runAt - decision.nominal : -1;

  expect(first.nominal).toBe(utc('2026-11-02T02:00Z'));
  expect(delay(first)).toBeGreaterThan(0);
  expect(delay(first)).toBeLessThan(600_000);
  expect(delay(second)).toBe(delay(first));
});

test('a night on which clocks change still has one occurrence', () => {
  const timezone = 'America/Los_Angeles';
  const half = time('30 2 * * *', timezone);
  const nominals: string[] = [];

  let at = firstOccurrence({ timezone }, utc('2026-03-07T12:00Z'), half);
  while (at !== undefined && nominals.length < 3) {
    const iso = new Date(at).toISOString();
    const decision = decideSchedule(due({ at: iso, spec: { timezone } }), half);
    nominals.push(new Date(decision.nominal).toISOString());
    at = decision.next;
  }

  expect(nominals.length).toBe(3);
  expect(new Set(nominals.map((iso) => iso.slice(0, 10))).size).toBe(3);
});

test('asking about a schedule that is not due is a bug', () => {
  expect(() =>
    decideSchedule(due({ at: '2026-11-02T02:00Z', now: '2026-11-01T02:00Z' }), nightly),
  ).toThrow('is not due');
});

test('the next occurrence is always in the future and the decided one never is', () => {
  const everyTenMinutes = time('*/10 * * * *', 'UTC');
  const start = utc('2026-11-02T02:00Z');
  fc.assert(
    fc.property(fc.nat(3 * 86_400_000), fc.constantFrom('skip', 'once'), (lateMs, missed) => {
      const now = start + lateMs;
      const base = due({ at: '2026-11-02T02:00Z', spec: { missed } });
      const decision = decideSchedule({ ...base, now }, everyTenMinutes);

      expect(decision.nominal).toBeLessThanOrEqual(now);
      expect(decision.nominal).toBeGreaterThan(now - 600_000);
      expect(decision.next).toBeGreaterThan(now);
    }),
  );
});
