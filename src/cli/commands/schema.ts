import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';

const FILE = path.join(import.meta.dirname, '../../../config-schema/autodev.schema.json');

export const define: Define = (command, act) => {
  command
    .addHelpText(
      'after',
      examples(['keep it for an editor', 'autodev schema > autodev.schema.json']),
    )
    .action(act(printSchema));
};

async function printSchema({ stdout }: Context): Promise<void> {
  stdout.write(await readFile(FILE, 'utf8'));
}
