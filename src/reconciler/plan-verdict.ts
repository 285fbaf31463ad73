import type { DuePlan, PlanOutcome } from '../db/config-plans.ts';
import type { ReviewForge, StatusWish } from '../forge/review.ts';
import type { ForgeMergeRequest } from '../forge/tracker.ts';
import type { Log } from '../kernel/log.ts';
import { unrelatedNote } from './plan-note-forms.ts';
import type { PreviewDeps } from './preview.ts';

export interface PlanDeps extends PreviewDeps {
  log: Log;
  review: ReviewForge;
  /** Whether a glob matches a path. */
  matches: (glob: string, path: string) => boolean;
  /** As the reconciler's: what a verdict depends on beside the files. */
  inputsVersion: string;
}

interface CommitStatus extends StatusWish {
  readonly sha: string;
}

/** What a look at a merge request came to, and what is to be said of it there. */
export interface Verdict {
  readonly outcome: PlanOutcome;
  /** Left out: whatever stands there stays. */
  readonly note?: string | undefined;
  readonly statuses?: readonly CommitStatus[];
}

/** Everything about one look. */
export interface Look {
  readonly due: DuePlan;
  readonly request: ForgeMergeRequest & { readonly head: string; readonly base: string };
  readonly signal: AbortSignal;
}

/** It touches nothing of ours. A note that stands there already says so, and is not taken away. */
export function unrelated(due: DuePlan, head: string): Verdict {
  const hadNote = !['new', 'unrelated', 'closed'].includes(due.state);
  return {
    outcome: { state: 'unrelated', head },
    ...(hadNote && { note: unrelatedNote() }),
  };
}
