import type { Control } from '../../db/views/control-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { wholeNumber } from '../parse-arguments.ts';

export const define: Define = (command, act) => {
  command
    .argument(
      '<runner>',
      'its number; `autodev runners` lists them',
      wholeNumber({ min: 1, max: 2 ** 31 - 1 }),
    )
    .option('--reason <text>', 'why', 'drained by hand')
    .addHelpText('after', examples(['before its machine is taken down', 'autodev drain 3']))
    .action(act(drain));
};

async function drain(
  { connect, output }: Context,
  runner: number,
  { reason }: { reason: string },
): Promise<void> {
  const api = await connect();
  const control = await api.post<Control>('/controls', { verb: 'drain', runner, reason });
  output.answer(control, () => `runner ${runner} takes no new work and ends when its jobs have`);
}
