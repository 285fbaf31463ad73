import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { plain } from '../output.ts';
import { jobIdText } from '../parse-arguments.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'a staged job (j_…)', jobIdText)
    .addHelpText('after', examples(['carry out what it would have done', 'autodev release j_12']))
    .action(act(releaseJob));
};

async function releaseJob({ connect, output }: Context, id: string): Promise<void> {
  const api = await connect();
  const answer = await api.post<{ message: string }>(`/jobs/${id}/release`);
  output.answer(answer, () => plain(answer.message));
}
