import type { Agent } from '../../domain/agent.ts';
import type { Define } from '../context.ts';
import { examples } from '../context.ts';
import { agentName, wholeNumber } from '../parse-arguments.ts';
import { processOptions } from '../process-command.ts';

export const define: Define = (command, act) => {
  command
    .option(
      '--agent <agent>',
      'work for this agent; may be repeated (default: all eight)',
      addAgent,
      [],
    )
    .option('--slots <n>', 'jobs at the same time', wholeNumber({ min: 1, max: 256 }))
    .addHelpText(
      'after',
      examples(
        ['for every agent', 'autodev runner'],
        [
          'for two of them, three jobs at a time',
          'autodev runner --agent builder --agent tester --slots 3',
        ],
      ),
    )
    .action(
      act((context, { agent: agents, slots }: { agent: Agent[]; slots?: number }) =>
        context.processes.runner({ ...processOptions(context), agents, slots }),
      ),
    );
};

function addAgent(text: string, agents: Agent[]): Agent[] {
  return [...agents, agentName(text)];
}
