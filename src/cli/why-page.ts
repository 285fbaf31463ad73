import type { Why } from '../db/views/why.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';

/** Each agent's reasons as sentences, with what to do below. */
export function whyPage({ paint }: Output, { repo, job, agents }: Why): string {
  if (agents.length === 0) {
    return `${oneLine(repo.path)} has no agents: its autodev.yaml is missing or was not read yet.`;
  }
  return agents
    .map(({ agent, reasons }) => {
      const lines = reasons.map(({ sentence, remedy }) =>
        [
          `  ${oneLine(sentence)}`,
          ...(remedy === null ? [] : [`    → ${paint('cyan', oneLine(remedy))}`]),
        ].join('\n'),
      );
      return [paint('bold', job === null ? agent : `${job} (${agent})`), ...lines].join('\n');
    })
    .join('\n\n');
}
