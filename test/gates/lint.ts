import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { root, seedTree } from './seeded-tree.ts';

/** One finding of the linter, as its `unix` format prints it. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** What the project's own rules find in files: path -> content. */
export async function lint(files: Record<string, string>): Promise<Finding[]> {
  await using tree = await seedTree({
    '.oxlintrc.json': await readFile(path.join(root, '.oxlintrc.json'), 'utf8'),
    'tsconfig.json': await readFile(path.join(root, 'tsconfig.json'), 'utf8'),
    ...files,
  });

  const folders = new Set(Object.keys(files).map((file) => file.split('/')[0] ?? file));
  const { output } = await tree.run('oxlint', '--quiet', '--format=unix', ...folders);

  return output.split('\n').flatMap((line) => {
    const found = /^(\S+?):(\d+):\d+: (.*) \[Error\/\w+\((.*)\)\]$/.exec(line);
    const [, file = '', at = '', message = '', rule = ''] = found ?? [];
    return found === null ? [] : [{ file, line: Number(at), rule, message }];
  });
}
