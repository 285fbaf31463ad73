import type { Repo } from '../../db/views/repo-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { diagnosticLines } from '../diagnostic-lines.ts';
import { oneLine } from '../output.ts';
import { durationMs } from '../parse-arguments.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';
import { isError, repoState } from '../repo-table.ts';
import { waitUntil } from '../wait-for-job.ts';

interface Options {
  wait?: true;
  timeout: number;
  confirmPrune?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'the repository (id, path or folder; default: the one around you)')
    .option('--wait', 'until it was read; 3 if the file is invalid')
    .option('--timeout <time>', 'how long --wait waits (ends with 5)', durationMs, 60_000)
    .option('--confirm-prune <digest>', 'let a held plan go on that removes much')
    .addHelpText(
      'after',
      examples(
        ['do not wait for the next look', 'autodev sync'],
        ['in a script', 'autodev sync demo --wait'],
      ),
    )
    .action(act(syncRepo));
};

async function syncRepo(
  { connect, output, cwd, clock, signal }: Context,
  name: string | undefined,
  { wait, timeout, confirmPrune }: Options,
): Promise<number> {
  const api = await connect();
  const before = await pickRepo(api, { name, cwd });
  const asked = await api.post<Repo>(`${repoPath(before)}/sync`, { confirm_prune: confirmPrune });
  if (wait !== true) {
    output.answer(asked, () => `${oneLine(before.path)} will be read now`);
    return 0;
  }
  const repo = await waitUntil(
    () => api.get<Repo>(repoPath(before)),
    // Gone already: a look has answered it between the ask and its answer.
    ({ answered_at: answered }) =>
      asked.asked_at === null || (answered !== null && answered >= asked.asked_at),
    { clock, signal, timeoutMs: timeout, what: `reading ${before.path}` },
  );
  output.answer(repo, () =>
    [`${oneLine(repo.path)} ${repoState(output, repo)}`, diagnosticLines(output, repo.diagnostics)]
      .filter(Boolean)
      .join('\n'),
  );
  return repo.diagnostics.some(isError) ? 3 : 0;
}
