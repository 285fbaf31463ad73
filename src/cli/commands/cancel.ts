import type { Job } from '../../db/views/job-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { jobIdText } from '../parse-arguments.ts';
import { stateWord } from '../words.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .option('--reason <text>', 'why')
    .addHelpText('after', examples(['stop it, also while it runs', 'autodev cancel j_12']))
    .action(act(cancelJob));
};

async function cancelJob(
  { connect, output }: Context,
  id: string,
  { reason }: { reason?: string },
): Promise<void> {
  const api = await connect();
  const job = await api.post<Job>(`/jobs/${id}/cancel`, { reason });
  output.answer(job, () =>
    job.state === 'cancelled'
      ? `${id} ${stateWord(output, job)}`
      : `${id} is told to stop (now ${job.state})`,
  );
}
