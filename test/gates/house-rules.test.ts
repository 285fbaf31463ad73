import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { houseBreaches } from './house-rules.ts';
import { root } from './seeded-tree.ts';

test('src keeps the rules of the house that the linter cannot check', async () => {
  const breaches: string[] = [];

  for await (const file of glob('src/**/*.{ts,tsx,mjs}', { cwd: root })) {
    breaches.push(...houseBreaches(file, await readFile(path.join(root, file), 'utf8')));
  }

  expect(breaches).toEqual([]);
});

test('the present is asked of the clock', () => {
  const content = 'export const fixed = new Date(0);\nexport const started = new Date();\n';

  expect(houseBreaches('src/runner/a.ts', content)).toEqual([
    'src/runner/a.ts:2: take a Clock as a parameter and call clock.now()',
  ]);
  expect(houseBreaches('src/kernel/clock.ts', content)).toEqual([]);
  expect(houseBreaches('src/runner/a.test.ts', content)).toEqual([]);
});

test('waiting is asked of the clock, giving way to others is not waiting', () => {
  const sleeping = "import { setTimeout as sleep } from 'node:timers/promises';\n";
  const yielding = "import { setImmediate } from 'node:timers/promises';\n";

  expect(houseBreaches('src/runner/a.ts', sleeping)).toHaveLength(1);
  expect(houseBreaches('src/runner/a.ts', yielding)).toEqual([]);
});

test('the environment does not come in by another door', () => {
  const content = "import { env } from 'node:process';\n";

  expect(houseBreaches('src/runner/a.ts', content)).toEqual([
    expect.stringContaining('src/config/settings.ts'),
  ]);
  expect(houseBreaches('src/main/up.ts', content)).toEqual([]);
});

test('names that say nothing are refused', () => {
  const refused = ['src/db/utils.ts', 'src/db/helpers/a.ts', 'src/db/types.ts', 'src/db/index.ts'];

  expect(refused.flatMap((file) => houseBreaches(file, ''))).toHaveLength(refused.length);
  expect(houseBreaches('src/db/shared-memory.ts', '')).toEqual([]);
});
