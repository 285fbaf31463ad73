import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '..');

test('what is generated is fresh, and a changed schema makes the check fail by name', async () => {
  const copy = await mkdtemp(path.join(tmpdir(), 'generate-'));
  const generator = path.join(copy, 'config-schema/generate.ts');
  try {
    for (const folder of ['config-schema', 'src/config', 'cdk8s', 'docs/reference']) {
      await cp(path.join(ROOT, folder), path.join(copy, folder), { recursive: true });
    }
    await cp(path.join(ROOT, 'package.json'), path.join(copy, 'package.json'));
    await symlink(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));

    await run(process.execPath, [generator, '--check']);
    const schema = path.join(copy, 'config-schema/outputs.schema.json');
    await writeFile(
      schema,
      (await readFile(schema, 'utf8')).replace('"maxLength": 255', '"maxLength": 254'),
    );
    const stale = run(process.execPath, [generator, '--check']);

    await expect(stale).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('src/config/outputs-validator.generated.js'),
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
});

test('a compiled validator imports nothing', async () => {
  const folder = path.join(ROOT, 'src/config');
  const names = (await readdir(folder)).filter((name) => name.endsWith('-validator.generated.js'));

  for (const name of names) {
    const source = await readFile(path.join(folder, name), 'utf8');

    expect(source).not.toMatch(/\brequire\(|^import /m);
  }
  expect(names).toHaveLength(3);
});
