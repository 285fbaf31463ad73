import type { Define } from '../context.ts';
import { examples } from '../context.ts';
import { vote } from '../vote.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'a gate (g_…), or a job (j_…) with one open gate')
    .requiredOption('--reason <text>', 'why; the agents get to read it')
    .addHelpText(
      'after',
      examples([
        'end it; its branch is kept',
        'autodev reject j_12 --reason "we remove this module"',
      ]),
    )
    .action(
      act((context, id: string, { reason }: { reason: string }) =>
        vote(context, id, { verdict: 'reject', note: reason }),
      ),
    );
};
