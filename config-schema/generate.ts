import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { generateQuantities } from './quantities.ts';
import { generateReference } from './reference.ts';
import { generateTypes } from './types.ts';
import { generateValidators } from './validators.ts';

/**
 * Everything that follows from the schemas: types, validators compiled ahead, places of quantities, reference pages.
 *
 *   node config-schema/generate.ts            writes what changed
 *   node config-schema/generate.ts --check    writes nothing; ends with 1 when something is stale
 */
const root = path.join(import.meta.dirname, '..');

const files = new Map<string, string>([
  ...(await generateTypes(root)),
  ...(await generateValidators(root)),
  ...(await generateQuantities(root)),
  ...(await generateReference(root)),
]);

const stale: string[] = [];
for (const [name, content] of files) {
  const file = path.join(root, name);
  const current = await readFile(file, 'utf8').catch(() => undefined);
  if (current === content) {
    continue;
  }
  stale.push(name);
  if (!process.argv.includes('--check')) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

if (process.argv.includes('--check') && stale.length > 0) {
  process.stderr.write(`stale: ${stale.join(', ')}\nrun: npm run generate\n`);
  process.exitCode = 1;
}
