import { cancelEffects } from '../../db/effects.ts';
import type { JobRow } from '../../db/job-rows.ts';
import type { MergeRequest } from '../../db/merge-requests.ts';
import { moveJob } from '../../db/promote.ts';
import { AppError } from '../../kernel/errors.ts';
import type { CarriedOut } from '../effect-handler.ts';

/** After so many pushes into its work a job gives up: people and agent are at the same thing. */
const MOST_ROUNDS = 3;
const MARK = 'Somebody pushed to';

/**
 * What follows when a branch is not where the work began: the job waits a moment and does it again on top of what
 * is there. Throws CONFLICT where that would not help.
 */
export function startOver(
  job: JobRow,
  { continued, cause }: { continued: MergeRequest | undefined; cause: AppError },
): CarriedOut {
  if (!continued) {
    throw new AppError('CONFLICT', cause.message, {
      cause,
      remedy: `Rename or delete that branch, then \`autodev retry j_${job.id}\`.`,
    });
  }
  const rounds = job.input.filter(
    ({ author, text }) => author === 'autodev' && text.startsWith(MARK),
  );
  if (rounds.length >= MOST_ROUNDS) {
    throw new AppError('CONFLICT', `${continued.branch} moved ${rounds.length} times meanwhile.`, {
      cause,
      remedy: `When it is quiet: \`autodev retry j_${job.id}\`.`,
    });
  }
  const text = `${MARK} ${continued.branch} while you worked. Their commits are in your working tree now; do the task again on top of them.`;
  return {
    dropped: cause.message,
    record: async (tx) => {
      await cancelEffects(tx, job.id);
      await moveJob(tx, job.id, {
        from: 'publishing',
        to: 'waiting',
        waitReason: 'retry',
        wakeAt: new Date(0),
        reason: 'base_conflict',
        detail: `${MARK} ${continued.branch}; the work is done again on top of that.`,
        input: { kind: 'note', author: 'autodev', text, at: job.updatedAt.toISOString() },
      });
    },
  };
}
