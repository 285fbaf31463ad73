import type { Define } from '../context.ts';
import { examples } from '../context.ts';
import { vote } from '../vote.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'a gate (g_…), or a job (j_…) that asked a question')
    .argument('<text...>', 'the answer')
    .addHelpText(
      'after',
      examples(['the job goes on with the answer', 'autodev answer j_12 "round half to even"']),
    )
    .action(
      act((context, id: string, text: string[]) =>
        vote(context, id, { verdict: 'answer', note: text.join(' ') }),
      ),
    );
};
