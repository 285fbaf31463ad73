import type { Job } from '../../db/views/job-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { jobIdText } from '../parse-arguments.ts';
import { stateWord } from '../words.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .option('--note <text>', 'what the next try should know')
    .addHelpText(
      'after',
      examples(['try again with a hint', 'autodev retry j_12 --note "the fixture moved to test/"']),
    )
    .action(act(retryJob));
};

async function retryJob(
  { connect, output }: Context,
  id: string,
  { note }: { note?: string },
): Promise<void> {
  const api = await connect();
  const job = await api.post<Job>(`/jobs/${id}/retry`, { note });
  output.answer(job, () => `${job.id} ${stateWord(output, job)}, a retry of ${id}`);
}
