import type { Trace } from '../../db/views/trace.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { jobIdText } from '../parse-arguments.ts';
import { tracePage } from '../trace-page.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .addHelpText(
      'after',
      examples(['who asked for it, who agreed, what it cost', 'autodev trace j_12']),
    )
    .action(act(showTrace));
};

async function showTrace({ connect, output }: Context, id: string): Promise<void> {
  const api = await connect();
  const trace = await api.get<Trace>(`/jobs/${id}/trace`);
  output.answer(trace, () => tracePage(output, trace));
}
