import { recordEvents } from '../../db/events.ts';
import { insertIssue } from '../../db/issues.ts';
import type { EffectHandler } from '../effect-handler.ts';
import { outputOf } from '../output-payload.ts';

/** Opens an issue in the local forge, once: it is a row of the transaction that settles the effect. */
export const openIssue: EffectHandler = async (_deps, { effect, repo, job }) => {
  const { title, description, labels = [] } = outputOf(effect, 'issue');
  const issue = { title, description, labels };
  return {
    result: { title: issue.title },
    record: async (tx) => {
      const { number } = await insertIssue(tx, { repoId: repo.id, jobId: job.id, ...issue });
      await recordEvents(tx, [
        {
          repoId: repo.id,
          type: 'issue_opened',
          key: `issue_opened:${repo.id}:${number}`,
          effectId: effect.id,
          payload: { issue: { number, ...issue }, job_id: job.id },
        },
      ]);
    },
  };
};
