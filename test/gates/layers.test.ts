import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { type Finding, lint } from './lint.ts';
import { root } from './seeded-tree.ts';

/** From the ground up. A folder imports from itself and from rows above its own; those of one row never meet. */
const LAYERS = [
  ['kernel'],
  ['domain'],
  ['config'],
  ['db'],
  ['forge', 'control', 'memory', 'llm', 'sandbox'],
  ['reconciler', 'scheduler', 'orchestrator', 'runner'],
  ['webhook', 'dashboard', 'cli'],
  ['main'],
];
const FOLDERS = LAYERS.flat();

/** Every way to take something from another file, in the order of a seed's lines. */
const IMPORTS = [
  (file: string) => `import { a } from '${file}';`,
  (file: string) => `import type { B } from '${file}';`,
  (file: string) => `export * from '${file}';`,
  (file: string) => `const late = await import('${file}');`,
];

// One run for all: starting the linter costs more than linting.
let findings: readonly Finding[];
beforeAll(async () => {
  findings = await lint(Object.fromEntries(FOLDERS.flatMap(seedsOf)));
});

describe.each(FOLDERS)('src/%s', (from) => {
  test('imports from the layers below it, at any depth', () => {
    for (const to of FOLDERS.filter((folder) => mayImport(from, folder))) {
      expect(caught(from, to), `${from} -> ${to}`).toEqual([]);
    }
  });

  test('is refused every other, however it imports', () => {
    const lines = IMPORTS.map((_, index) => index + 1);
    for (const to of FOLDERS.filter((folder) => !mayImport(from, folder))) {
      const [shallow, deep] = [seed(from, to), seed(`${from}/deep/er`, to)];
      expect(caught(from, to), `${from} -> ${to}`).toEqual([
        ...lines.map((line) => `${deep}:${line}`),
        ...lines.map((line) => `${shallow}:${line}`),
      ]);
    }
  });
});

test('every folder of src has a layer', async () => {
  const entries = await readdir(path.join(root, 'src'), { withFileTypes: true });

  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);

  expect(FOLDERS).toEqual(expect.arrayContaining(folders));
});

test('domain is refused packages and Node, and may use its own files and kernel', async () => {
  const seeded = await lint({
    'src/domain/deep/seed.ts': [
      "import { a } from '../own.ts';",
      "import { b } from './near.ts';",
      "import { c } from '../../kernel/errors.ts';",
      "import { readFile } from 'node:fs/promises';",
      "import { parse } from 'yaml';",
      "import { Type } from '@fastify/type-provider-typebox';",
      "import fs from 'fs';",
    ].join('\n'),
  });

  const lines = seeded
    .filter(({ rule }) => rule === 'no-restricted-imports')
    .map(({ line }) => line);
  expect(lines).toEqual([4, 5, 6, 7]);
});

test('what ships is refused what tests it, and a fixture is not', async () => {
  const content = [
    "import { test } from 'vitest';",
    "import { integer } from 'fast-check';",
    "import { db } from '../../test/database.ts';",
    "import { rows } from './rows-fixture.ts';",
    "import { a } from './a.test.ts';",
  ].join('\n');

  const seeded = await lint({
    'src/db/ships.ts': content,
    'src/main/ships.ts': content,
    'src/db/rows-fixture.ts': content,
  });

  const lines = seeded
    .filter(({ rule }) => rule === 'no-restricted-imports')
    .map(({ file, line }) => `${file}:${line}`);
  expect(lines.toSorted()).toEqual(
    ['src/db/ships.ts', 'src/main/ships.ts'].flatMap((file) =>
      [1, 2, 3, 4, 5].map((line) => `${file}:${line}`),
    ),
  );
});

function mayImport(from: string, to: string): boolean {
  const layer = (folder: string): number => LAYERS.findIndex((row) => row.includes(folder));
  return from === to || layer(to) < layer(from);
}

function seed(folder: string, to: string): string {
  return `src/${folder}/imports-${to}.ts`;
}

/** A folder importing each, from its top and from two folders down. */
function seedsOf(from: string): [file: string, content: string][] {
  return FOLDERS.flatMap((to) => [
    [seed(from, to), IMPORTS.map((line) => line(`../${to}/a.ts`)).join('\n')],
    [seed(`${from}/deep/er`, to), IMPORTS.map((line) => line(`../../../${to}/a.ts`)).join('\n')],
  ]);
}

/** The lines of the two seeds that were refused for their layer, as `file:line`. */
function caught(from: string, to: string): string[] {
  const seeds = new Set([seed(from, to), seed(`${from}/deep/er`, to)]);
  const lines = findings
    .filter(({ file, rule }) => rule === 'no-restricted-imports' && seeds.has(file))
    .map(({ file, line }) => `${file}:${line}`);
  return [...new Set(lines)].toSorted();
}
