import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { Repo } from '../../db/views/repo-list.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { diagnosticLines } from '../diagnostic-lines.ts';
import { oneLine, plain } from '../output.ts';
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
  context: Context,
  name: string | undefined,
  { file, detailedExitcode }: Options,
): Promise<number> {
  const { connect, output, cwd } = context;
  const api = await connect();
  const repo = await pickRepo(api, { name, cwd });
  const answer =
    file === undefined
      ? await api.get<PlanAnswer>(`${repoPath(repo)}/plan`)
      : await api.post<PlanAnswer>(`${repoPath(repo)}/plan`, { text: await readText(cwd, file) });

  output.answer(answer, () =>
    [diagnosticLines(output, answer.diagnostics), plain(answer.text)].filter(Boolean).join('\n'),
  );
  if (file === undefined) {
    await sayUncommitted(context, repo);
  }
  if (answer.diagnostics.some(isError)) {
    return 3;
  }
  return detailedExitcode === true && !answer.empty ? 2 : 0;
}

/** Whoever edited the file and forgot to commit would take the plan for that of the edit. */
async function sayUncommitted(context: Context, repo: Repo): Promise<void> {
  const { output, cwd } = context;
  const { uncommittedFile } = await import('../uncommitted-file.ts');
  const file = await uncommittedFile(context, repo);
  if (file !== undefined) {
    const mark = output.paint('yellow', '▲');
    output.say(
      oneLine(`${mark} ${file} is not what is committed on ${repo.branch}, which this plan is of.`),
    );
    output.say(
      `  autodev plan ${repo.id} --file ${oneLine(path.relative(cwd, file))} plans the file as it is on disk`,
    );
  }
}

async function readText(cwd: string, file: string): Promise<string> {
  try {
    return await readFile(path.resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new AppError('USAGE', `${file} cannot be read`, { cause: error });
  }
}
