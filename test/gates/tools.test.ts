import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { root, seedTree } from './seeded-tree.ts';

test('the type check reaches source, tests, benchmarks, examples and schema tools', async () => {
  const files = [
    'src/runner/a.ts',
    'src/runner/a.test.ts',
    'test/a.ts',
    'bench/a.ts',
    'examples/a.ts',
    'config-schema/a.ts',
  ];
  await using tree = await seedTree({
    'tsconfig.json': await own('tsconfig.json'),
    'package.json': '{ "type": "module" }',
    ...Object.fromEntries(files.map((file) => [file, "export const n: number = 'text';\n"])),
  });

  const { exitCode, output } = await tree.run('tsc', '--pretty', 'false');

  expect(exitCode).not.toBe(0);
  expect(reported(output, /^(\S+)\(1,14\): error TS2322/)).toEqual(files.toSorted());
});

test('what nothing uses is found: exports, files, dependencies, and dependencies that are not listed', async () => {
  await using tree = await seedTree({
    'knip.json': await own('knip.json'),
    'tsconfig.json': await own('tsconfig.json'),
    'package.json': JSON.stringify({
      name: 'seeded',
      type: 'module',
      dependencies: { pg: '8.23.1', yaml: '2.9.1' },
    }),
    'src/main/up.ts': "import 'yaml';\nimport 'picomatch';\nimport '../runner/used.ts';\n",
    'src/runner/used.ts': "export const unusedExport = 1;\nconsole.log('used');\n",
    'src/runner/unused-file.ts': 'export const a = 1;\n',
  });

  const { exitCode, output } = await tree.run('knip', '--reporter', 'compact');

  expect(exitCode).not.toBe(0);
  for (const wasted of ['unusedExport', 'unused-file.ts', /package\.json: pg$/m, 'picomatch']) {
    expect(output).toMatch(wasted);
  }
  expect(output).not.toMatch(/package\.json:.*yaml/);
});

test('a file that is not formatted is found, and a generated one is left alone', async () => {
  const untidy = 'export  const a = "1"\n';
  await using tree = await seedTree({
    '.oxfmtrc.json': await own('.oxfmtrc.json'),
    'src/runner/a.ts': untidy,
    'test/a.ts': untidy,
    'examples/a.ts': untidy,
    'docs/a.yaml': 'a:   1\n',
    'src/config/types.generated.ts': untidy,
    'src/runner/tidy.ts': "export const a = '1';\n",
  });

  const { exitCode, output } = await tree.run('oxfmt', '--check', '.');

  expect(exitCode).not.toBe(0);
  expect(reported(output, /^(\S+\.(?:ts|yaml)) \(/)).toEqual(
    ['docs/a.yaml', 'examples/a.ts', 'src/runner/a.ts', 'test/a.ts'].toSorted(),
  );
});

test('a generated file that does not follow from its schema is found', async () => {
  await using tree = await seedTree({ 'package.json': '{ "type": "module" }' });
  await cp(path.join(root, 'config-schema'), path.join(tree.folder, 'config-schema'), {
    recursive: true,
  });
  await cp(path.join(root, 'src'), path.join(tree.folder, 'src'), { recursive: true });
  const generate = ['config-schema/generate.ts'];
  expect(await tree.run('node', ...generate)).toMatchObject({ exitCode: 0 });

  const fresh = await tree.run('node', ...generate, '--check');
  const schema = path.join(tree.folder, 'config-schema/autodev.schema.json');
  const text = await readFile(schema, 'utf8');
  await writeFile(schema, text.replace('"description": "', '"description": "Changed. '));
  const stale = await tree.run('node', ...generate, '--check');

  expect(fresh).toMatchObject({ exitCode: 0 });
  expect(stale).toMatchObject({ exitCode: 1, output: expect.stringContaining('npm run generate') });
  expect(stale.output).toContain('src/config/autodev.generated.ts');
});

function own(file: string): Promise<string> {
  return readFile(path.join(root, file), 'utf8');
}

/** The first group of each line that matches, sorted. */
function reported(output: string, line: RegExp): string[] {
  return output
    .split('\n')
    .flatMap((text) => line.exec(text)?.[1] ?? [])
    .toSorted();
}
