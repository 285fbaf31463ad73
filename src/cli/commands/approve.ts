import type { Define } from '../context.ts';
import { examples } from '../context.ts';
import { vote } from '../vote.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'a gate (g_…), or a job (j_…) with one open gate')
    .option('--note <text>', 'a word to go with it')
    .addHelpText(
      'after',
      examples(
        ['merge what the job made', 'autodev approve j_12'],
        ['answer one gate', 'autodev approve g_3 --note "nice"'],
      ),
    )
    .action(
      act((context, id: string, { note }: { note?: string }) =>
        vote(context, id, { verdict: 'approve', note }),
      ),
    );
};
