import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { diagnosticLines } from '../diagnostic-lines.ts';
import { plain } from '../output.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';
import { isError } from '../repo-table.ts';

interface Options {
  file?: string;
  detailedExitcode?: true;
}

interface PlanAnswer {
  empty: boolean;
  plan: unknown;
  text: string;
  diagnostics: unknown[];
}

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'the repository (id, path or folder; default: the one around you)')
    .option('--file <file>', 'plan this file instead of the newest on the default branch')
    .option('--detailed-exitcode', '0 nothing would change, 2 something would')
    .addHelpText(
      'after',
      examples(
        ['what the next sync changes', 'autodev plan'],
        ['what your edit would change', 'autodev plan demo --file autodev.yaml'],
        ['in a pipeline', 'autodev plan demo --file autodev.yaml --detailed-exitcode'],
      ),
    )
    .action(act(showPlan));
};

async function showPlan(
  { connect, output, cwd }: Context,
  name: string | undefined,
  { file, detailedExitcode }: Options,
): Promise<number> {
  const api = await connect();
  const repo = await pickRepo(api, { name, cwd });
  const answer =
    file === undefined
      ? await api.get<PlanAnswer>(`${repoPath(repo)}/plan`)
      : await api.post<PlanAnswer>(`${repoPath(repo)}/plan`, { text: await readText(cwd, file) });

  output.answer(answer, () =>
    [diagnosticLines(output, answer.diagnostics), plain(answer.text)].filter(Boolean).join('\n'),
  );
  if (answer.diagnostics.some(isError)) {
    return 3;
  }
  return detailedExitcode === true && !answer.empty ? 2 : 0;
}

async function readText(cwd: string, file: string): Promise<string> {
  try {
    return await readFile(path.resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new AppError('USAGE', `${file} cannot be read`, { cause: error });
  }
}
