import { SWEEPS } from '../../db/setbacks.ts';
import type { Job } from '../../db/views/job-list.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { plain } from '../output.ts';
import { stateWord } from '../words.ts';

export const define: Define = (command, act) => {
  command
    .argument('[id]', 'the job (j_…), or a row that was set aside (event:17)')
    .option('--note <text>', 'what the next try of a job should know')
    .option('--set-aside', 'all rows that could not be handled')
    .addHelpText(
      'after',
      examples(
        ['try again with a hint', 'autodev retry j_12 --note "the fixture moved to test/"'],
        ['what `status` shows as set aside, after an update', 'autodev retry --set-aside'],
        ['one of these rows', 'autodev retry event:17'],
      ),
    )
    .action(act(retry));
};

async function retry(
  { connect, output }: Context,
  id: string | undefined,
  { note, setAside = false }: { note?: string; setAside?: boolean },
): Promise<void> {
  const row = rowOf(id);
  const isJob = /^j_[1-9]\d*$/.test(id ?? '');
  if (setAside ? id !== undefined : !isJob && row === undefined) {
    throw new AppError(
      'USAGE',
      id === undefined ? 'what is to be tried again?' : `${plain(id)} is no job`,
      {
        remedy:
          'Name a job (`j_12`), a row that was set aside (`event:17`), or `--set-aside` for all of these.',
      },
    );
  }
  if (!isJob && note !== undefined) {
    throw new AppError('USAGE', '--note is for the next try of a job');
  }
  const api = await connect();
  if (isJob) {
    const job = await api.post<Job>(`/jobs/${id}/retry`, { note });
    output.answer(job, () => `${job.id} ${stateWord(output, job)}, a retry of ${id}`);
    return;
  }
  const answer = await api.post<{ retried: number }>('/set-aside/retry', row ?? {});
  output.answer(answer, () =>
    answer.retried === 0
      ? 'Nothing is set aside.'
      : `${answer.retried === 1 ? 'One row is' : `${answer.retried} rows are`} tried again now`,
  );
}

function rowOf(id = ''): { what: string; id: number } | undefined {
  const [, what, number] = /^([a-z_]+):([1-9]\d*)$/.exec(id) ?? [];
  return SWEEPS.some((sweep) => sweep === what) && what !== undefined
    ? { what, id: Number(number) }
    : undefined;
}
