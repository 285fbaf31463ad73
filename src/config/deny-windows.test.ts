import { expect, test } from 'vitest';

import { createCronTimes } from './cron-times.ts';
import { denialAt } from './deny-windows.ts';
import { effectivePolicy, loadPolicy } from './policy.ts';

const next = createCronTimes();
const at = (time: string): number => Date.parse(time);

const freeze = {
  cron: '0 0 20 12 *',
  duration: '14d',
  timezone: 'Europe/Berlin',
  reason: 'year-end freeze',
};

test.for([
  ['2026-12-19T22:59:59Z', false],
  ['2026-12-19T23:00:00Z', true],
  ['2026-12-31T12:00:00Z', true],
  ['2027-01-02T22:59:59Z', true],
  ['2027-01-02T23:00:00Z', false],
] as const)('a freeze of two weeks at %s', ([time, denied]) => {
  expect(denialAt([freeze], at(time), next)).toEqual(
    denied ? { reason: 'year-end freeze', until: at('2027-01-02T23:00:00Z') } : undefined,
  );
});

test('of windows that overlap the one that ends last counts, and of one pattern its last beginning', () => {
  const nightly = { cron: '0 22 * * *', duration: '8h' };
  const hourly = { cron: '30 * * * *', duration: '90m' };

  const denial = denialAt([hourly, nightly], at('2026-03-01T23:45:00Z'), next);
  const alone = denialAt([hourly], at('2026-03-01T23:45:00Z'), next);

  expect(denial).toEqual({
    reason: '`0 22 * * *` (UTC) for 8h',
    until: at('2026-03-02T06:00:00Z'),
  });
  expect(alone?.until).toBe(at('2026-03-02T01:00:00Z'));
});

test('a pattern of every minute over weeks denies always, and costs no more than any', () => {
  const always = { cron: '* * * * *', duration: '60d' };

  expect(denialAt([always], at('2026-03-01T00:00:30Z'), next)?.until).toBe(
    at('2026-03-01T00:00:00Z') + 60 * 86_400_000,
  );
});

test('a later rule adds denials and takes none away: a denial beats everything', () => {
  const loaded = loadPolicy(`
version: 1
rules:
  - { repos: ['**'], deny_windows: [{ cron: '0 0 1 * *', duration: 1d }] }
  - { repos: ['app'], deny_windows: [{ cron: '0 0 2 * *', duration: 1d }] }
`);

  const windows = loaded.ok && effectivePolicy(loaded.policy, 'app').rule.deny_windows;

  expect(windows).toMatchObject([{ cron: '0 0 1 * *' }, { cron: '0 0 2 * *' }]);
});

test.for([
  ["{ cron: 'every day', duration: 1d }", 'invalid_cron'],
  ["{ cron: '0 0 31 2 *', duration: 1d }", 'cron_never'],
  ["{ cron: '0 0 1 1 *', duration: 1d, timezone: Mars/Base }", 'invalid_timezone'],
])('%s is refused when the policy is read', ([window, code]) => {
  const { ok, diagnostics } = loadPolicy(
    `version: 1\nrules:\n  - repos: ['**']\n    deny_windows:\n      - ${window}\n`,
  );

  expect(ok).toBe(false);
  expect(diagnostics).toMatchObject([{ code, line: 5 }]);
});
