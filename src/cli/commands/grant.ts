import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { plain } from '../output.ts';
import { jobIdText, positiveUsd } from '../parse-arguments.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .requiredOption('--usd <amount>', 'how much more it may spend', positiveUsd)
    .option('--reason <text>', 'why')
    .addHelpText('after', examples(['two dollars more for one job', 'autodev grant j_12 --usd 2']))
    .action(act(grantBudget));
};

async function grantBudget(
  { connect, output }: Context,
  id: string,
  { usd, reason }: { usd: number; reason?: string },
): Promise<void> {
  const api = await connect();
  const answer = await api.post<{ message: string }>(`/jobs/${id}/grants`, { usd, reason });
  output.answer(answer, () => plain(answer.message));
}
