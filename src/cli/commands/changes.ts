import type { Define } from '../context.ts';
import { examples } from '../context.ts';
import { vote } from '../vote.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'a gate (g_…), or a job (j_…) with one open gate')
    .argument('<note...>', 'what should be different')
    .addHelpText(
      'after',
      examples([
        'a next job goes on with the same branch',
        'autodev changes j_12 "add a test for zero"',
      ]),
    )
    .action(
      act((context, id: string, note: string[]) =>
        vote(context, id, { verdict: 'changes', note: note.join(' ') }),
      ),
    );
};
