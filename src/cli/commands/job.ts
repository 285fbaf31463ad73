import type { JobDetail } from '../../db/views/job-detail.ts';
import { readChange } from '../change-lines.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { jobPage } from '../job-page.ts';
import { plain } from '../output.ts';
import { jobIdText } from '../parse-arguments.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .option('--diff', 'what it changed')
    .addHelpText(
      'after',
      examples(
        ['where it stands and what came of it', 'autodev job j_12'],
        ['its work as a patch', 'autodev job j_12 --diff'],
      ),
    )
    .action(act(showJob));
};

async function showJob(
  { connect, output, clock }: Context,
  id: string,
  { diff }: { diff?: true },
): Promise<void> {
  const api = await connect();
  if (diff === true) {
    let text = '';
    for await (const part of api.stream(`/jobs/${id}/diff`, { accept: 'text/plain' })) {
      text += part;
    }
    output.answer({ id, diff: text }, () => (text === '' ? `${id} changed nothing` : plain(text)));
    return;
  }
  const job = await api.get<JobDetail>(`/jobs/${id}`);
  const change = output.isJson ? undefined : await readChange(api, job);
  output.answer(job, () => jobPage(output, job, { now: clock.now(), change }));
}
