import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect } from 'vitest';

import { root, type SeededTree, seedTree } from '../gates/seeded-tree.ts';
import { runJob, untilInForce, untilJob } from './follow-jobs.ts';
import { sandboxArgs } from './instance.ts';
import { test } from './machine-test.ts';

/** A provider that repeats its task as the reason for doing nothing. */
const PARROT = `import type { Provider } from './provider.ts';

export const parrotProvider: Provider = {
  name: 'parrot',
  kind: () => 'none',
  probe: () => Promise.resolve({ usable: true, detail: 'it can always repeat' }),
  buildCommand: (_spec, { prompt }) => ({
    file: '/bin/sh',
    argv: ['-c', 'cat > "$AUTODEV_OUTPUTS"'],
    env: {},
    home: [],
    stdin: JSON.stringify({ type: 'noop', reason: prompt }),
    programs: [],
  }),
  newParser: () => ({
    line: ({ text }) => [{ type: 'text', text }],
    end: ({ code }) =>
      code === 0
        ? { type: 'done' }
        : { type: 'failed', reason: 'crashed', detail: 'The parrot is silent.' },
  }),
};
`;

/** The steps of CONTRIBUTING.md, "How to add: A provider": file -> what is written where. */
const STEPS: Readonly<Record<string, (text: string) => string>> = {
  'src/domain/spec.ts': replacing(/(PROVIDERS = \[.*)\]/g, "$1, 'parrot']"),
  'config-schema/autodev.schema.json': (text) =>
    [
      replacing(/("enum": \["codex", "claude", "command")/g, '$1, "parrot"'),
      replacing(/("pattern": "\^\(codex\|claude)/g, '$1|parrot'),
      replacing(/("x-values": \["codex", "claude")/g, '$1, "parrot"'),
    ].reduce((changed, step) => step(changed), text),
  'config-schema/policy.schema.json': replacing(
    /("enum": \["codex", "claude", "command")/g,
    '$1, "parrot"',
  ),
  'src/main/providers.ts': (text) =>
    [
      replacing(
        /(import \{ commandProvider \})/g,
        "import { parrotProvider } from '../llm/parrot.ts';\n$1",
      ),
      replacing(/(\{ provider: commandProvider \},)/g, '$1\n    { provider: parrotProvider },'),
    ].reduce((changed, step) => step(changed), text),
};

test('a provider that is added as CONTRIBUTING.md says does a job', async ({
  machine,
  instances,
}) => {
  await using checkout = await copyOfThisCheckout();
  await writeFile(path.join(checkout.folder, 'src/llm/parrot.ts'), PARROT);
  for (const [file, step] of Object.entries(STEPS)) {
    const place = path.join(checkout.folder, file);
    await writeFile(place, step(await readFile(place, 'utf8')));
  }
  expect(await checkout.run('node', 'config-schema/generate.ts')).toMatchObject({ exitCode: 0 });
  expect(await checkout.run('tsc', '--pretty', 'false')).toEqual({ exitCode: 0, output: '' });

  const app = await machine.repository('app', {
    'autodev.yaml': 'version: 1\nagents: { builder: { providers: [parrot] } }\n',
  });
  const instance = await instances({
    checkout: checkout.folder,
    args: ['--repo', app, ...sandboxArgs()],
  });
  await untilInForce(instance, 'app');
  const { id } = await runJob(instance, 'app', 'Polly wants a cracker.');

  expect(await untilJob(instance, id, ['succeeded'])).toMatchObject({ reason: 'noop' });
  expect((await instance.cli('job', id)).stdout).toContain('Polly wants a cracker.');
});

test('CONTRIBUTING.md names every file that has to be changed', async () => {
  const text = await readFile(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  const section = text.slice(text.indexOf('**A provider**'), text.indexOf('**A configuration key'));

  for (const file of [...Object.keys(STEPS), 'src/llm/', 'npm run generate']) {
    expect(section).toContain(file);
  }
});

/** Tests and their fixtures need folders that are not copied. */
const TEST_CODE = /(\.test|-fixture|-scenarios|-child)\.ts$/;

async function copyOfThisCheckout(): Promise<SeededTree> {
  const tree = await seedTree({});
  const copied = ['package.json', 'bin', 'src', 'config-schema', 'agents', 'examples', 'docs'];
  for (const name of copied) {
    await cp(path.join(root, name), path.join(tree.folder, name), {
      recursive: true,
      filter: (file) => !TEST_CODE.test(file),
    });
  }
  const tsconfig = await readFile(path.join(root, 'tsconfig.json'), 'utf8');
  await writeFile(
    path.join(tree.folder, 'tsconfig.json'),
    tsconfig.replace(/"include": \[.*\]/, '"include": ["src"]'),
  );
  return tree;
}

/** Fails where there is nothing to replace: then the text it follows is no longer true. */
function replacing(pattern: RegExp, by: string): (text: string) => string {
  return (text) => {
    expect(text).toMatch(pattern);
    return text.replaceAll(pattern, by);
  };
}
