import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { CONFIG_FILE } from '../../config/config-file.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { detectTests } from '../detect-tests.ts';
import { firstConfig } from '../first-config.ts';

export const define: Define = (command, act) => {
  command
    .option('--force', 'replace the one that is there')
    .addHelpText(
      'after',
      examples(
        ['in your repository', 'autodev init && autodev validate'],
        ['then', 'git add autodev.yaml && git commit -m "Let Auto-Dev hunt bugs"'],
      ),
    )
    .action(act(init));
};

async function init({ output, cwd, env }: Context, { force }: { force?: true }): Promise<void> {
  const root = await findRoot(cwd, env);
  const file = path.join(root, CONFIG_FILE);
  if (force !== true && (await exists(file))) {
    throw new AppError('CONFLICT', `${file} is there already`, { remedy: '--force replaces it' });
  }
  const tests = await detectTests(root);
  await writeFile(file, firstConfig(tests));

  output.answer({ file, check: tests?.check ?? null, setup: tests?.setup ?? [] }, () =>
    [
      `${output.paint('green', '✔')} wrote ${file}`,
      tests === undefined
        ? '  No test command was found: set `check` yourself, so that only tested work reaches you.'
        : `  Work must pass \`${tests.check}\` before it reaches you.`,
      '  Read it, commit it, then: autodev up --repo .',
    ].join('\n'),
  );
}

async function findRoot(cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const git = promisify(execFile);
    const { stdout } = await git('git', ['rev-parse', '--show-toplevel'], { cwd, env });
    return stdout.trim();
  } catch (error) {
    throw new AppError('USAGE', `${cwd} is in no git repository`, {
      cause: error,
      remedy: 'run it in the repository that the agents should work on, or `git init` first',
    });
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
