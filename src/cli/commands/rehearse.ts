import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { checkConfig } from '../../config/check-config.ts';
import { CONFIG_FILE } from '../../config/config-file.ts';
import type { Agent } from '../../domain/agent.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { diagnosticLines } from '../diagnostic-lines.ts';
import { agentName } from '../parse-arguments.ts';
import { rehearsal, rehearsalPage } from '../rehearsal.ts';
import { readRepositoryFile } from '../repository-file.ts';

interface Options {
  file: string;
  task?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<agent>', 'which agent', agentName)
    .option('--file <file>', 'the autodev.yaml', CONFIG_FILE)
    .option('--task <text>', "the task (default: the role's standing one)")
    .addHelpText(
      'after',
      examples(
        [
          'what the builder would be given; no model is asked, nothing is changed',
          'autodev rehearse builder',
        ],
        ['with a task, for a script', 'autodev rehearse tester --task "Cover tax.js" -o json'],
      ),
    )
    .action(act(rehearse));
};

async function rehearse(
  { output, cwd }: Context,
  agent: Agent,
  { file, task }: Options,
): Promise<number> {
  const place = path.resolve(cwd, file);
  const source = await readFile(place).catch((error: unknown) => {
    throw new AppError('USAGE', `${file} cannot be read`, {
      cause: error,
      remedy: '`autodev init` writes a first one',
    });
  });
  const loaded = await checkConfig(source, {
    readFile: (name) => readRepositoryFile(path.dirname(place), name),
  });
  if (!loaded.ok) {
    output.warn(diagnosticLines(output, loaded.diagnostics));
    return 3;
  }
  const spec = loaded.spec.agents[agent];
  if (spec === undefined) {
    throw new AppError('NOT_FOUND', `${file} does not list ${agent}`, {
      remedy: `add it: agents: { ${agent}: {} }`,
    });
  }
  const answer = await rehearsal({
    agent,
    spec,
    task,
    repo: path.basename(path.dirname(place)),
  });
  output.answer(answer, () => rehearsalPage(output, answer));
  return 0;
}
