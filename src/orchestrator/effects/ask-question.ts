import { openGate } from '../../db/gates.ts';
import type { EffectHandler } from '../effect-handler.ts';
import { outputOf } from '../output-payload.ts';

const LONGEST_TITLE = 120;

/** Opens the gate that an answer closes; the job waits for it without holding anything. */
export const askQuestion: EffectHandler = async (_deps, { effect, job }) => {
  const { text } = outputOf(effect, 'question');
  return {
    result: {},
    record: async (tx) => {
      await openGate(tx, {
        repoId: job.repoId,
        jobId: job.id,
        kind: 'question',
        title: titleOf(text),
        body: text,
      });
    },
  };
};

/** The question's first line that says something: lists show it alone. */
function titleOf(text: string): string {
  const line = text.split('\n').find((one) => one.trim() !== '') ?? '';
  const letters = Array.from(line.trim());
  return letters.length > LONGEST_TITLE
    ? `${letters.slice(0, LONGEST_TITLE - 1).join('')}…`
    : letters.join('');
}
