import { Option } from 'commander';

import type { Job } from '../../db/views/job-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { jobIdText } from '../parse-arguments.ts';
import { stateWord } from '../words.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .addOption(
      new Option('--provider <provider>', 'with this one instead').choices([
        'codex',
        'claude',
        'command',
      ]),
    )
    .addHelpText(
      'after',
      examples([
        'the same inputs with another provider, without effects',
        'autodev replay j_12 --provider claude',
      ]),
    )
    .action(act(replayJob));
};

async function replayJob(
  { connect, output }: Context,
  id: string,
  { provider }: { provider?: string },
): Promise<void> {
  const api = await connect();
  const job = await api.post<Job>(`/jobs/${id}/replay`, { provider });
  output.answer(job, () => `${job.id} ${stateWord(output, job)}, a staged replay of ${id}`);
}
