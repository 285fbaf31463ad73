import { expect, test } from 'vitest';

import { loadConfig } from './load.ts';

const SMALLEST = `version: 1
agents: { bug-finder: {}, builder: {} }
schedules:
  nightly: { agent: bug-finder, cron: "0 2 * * *" }
`;

test('the smallest file becomes a spec with every default and its objects', async () => {
  const loaded = await loadConfig(SMALLEST, { readFile: async () => undefined });

  if (!loaded.ok) {
    throw new Error(JSON.stringify(loaded.diagnostics));
  }
  expect(loaded.spec.budgets).toMatchObject({
    daily: { scope: 'repo', per: 'day', microUsd: 10_000_000 },
    monthly: { per: 'month', microUsd: 100_000_000 },
  });
  expect(loaded.objects.map(({ kind, name, line }) => [kind, name, line])).toEqual([
    ['repo', 'repo', 1],
    ['agent', 'builder', 2],
    ['agent', 'bug-finder', 2],
    ['schedule', 'nightly', 4],
    ['budget', 'daily', 1],
    ['budget', 'monthly', 1],
    ['approval', 'default', 1],
  ]);
});

test('the digest is that of what counts: moves, comments and spelling leave it alone', async () => {
  const readFile = async (): Promise<undefined> => undefined;

  const before = await loadConfig(SMALLEST, { readFile });
  const moved = await loadConfig(
    `# moved\nagents: [builder, bug-finder]\n${SMALLEST.replace(/agents.*\n/, '')}`,
    { readFile },
  );
  const changed = await loadConfig(SMALLEST.replace('0 2', '0 3'), { readFile });

  expect(before).toMatchObject({ ok: true });
  expect(moved).toMatchObject({ ok: true, digest: before.ok && before.digest });
  expect(changed).not.toMatchObject({ digest: before.ok && before.digest });
});
