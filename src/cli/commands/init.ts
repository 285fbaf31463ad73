import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { CONFIG_FILE } from '../../config/config-file.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { detectTests } from '../detect-tests.ts';
import { FIRST_AGENT, firstAgent, firstConfig } from '../first-config.ts';

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
  const agent = path.join(root, FIRST_AGENT);
  await mkdir(path.dirname(agent), { recursive: true });
  // What somebody wrote there is theirs, also with --force.
  const written = await writeFile(agent, firstAgent(tests), { flag: 'wx' }).then(
    () => true,
    () => false,
  );

  output.answer({ file, agent, check: tests?.check ?? null, setup: tests?.setup ?? [] }, () =>
    [
      `${output.paint('green', '✔')} wrote ${file}${written ? ` and ${FIRST_AGENT}` : ''}`,
      tests === undefined
        ? `  No test command was found: set it in ${FIRST_AGENT}.`
        : `  The bug-finder runs \`${tests.check}\` and files an issue when it fails.`,
      '  Read both, commit them, then register the repository: autodev repos add .',
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
