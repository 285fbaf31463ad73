import { openGate } from '../../db/gates.ts';
import type { EffectHandler } from '../effect-handler.ts';
import { outputOf } from '../output-payload.ts';

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
        title: `${job.agent} asks about: ${job.title}`,
        body: text,
      });
    },
  };
};
