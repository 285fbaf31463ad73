import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo, MergeOutcome } from '../forge.ts';
import type { ForgeMergeRequest } from '../tracker.ts';
import type { GitlabClient } from './client.ts';
import { findMergeRequest, getMergeRequest } from './merge-requests.ts';

/** GitLab is still looking at it: its checks come a moment after a push. */
const PREPARING = new Set([
  'preparing',
  'unchecked',
  'checking',
  'approvals_syncing',
  'ci_still_running',
]);
const TRIES = 8;
const FIRST_WAIT_MS = 250;

/**
 * See Forge.merge. Merges only the very head that was approved, and never tries again without having read again.
 * BUSY while GitLab's own checks are not through, CONFLICT and FORGE_REFUSED with what stands against it.
 */
export async function merge(
  { client }: { client: GitlabClient },
  repo: ForgeRepo,
  { branch, head, message }: { branch: string; head: string; message: string },
  signal: AbortSignal,
): Promise<MergeOutcome> {
  requireCommitId(head);
  let failure: AppError | undefined;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const request = await findMergeRequest({ client }, repo, branch, signal);
    const done = outcomeOf(request, { branch, head });
    if (done) {
      return done;
    }
    if (request && !PREPARING.has(request.mergeStatus)) {
      if (failure && isFinal(failure, request)) {
        throw refusal(request, { repo, cause: failure });
      }
      try {
        await client.api(signal).mergeRequests.merge(Number(repo.location), request.number, {
          sha: head,
          mergeCommitMessage: message,
          shouldRemoveSourceBranch: true,
        });
        const merged = await getMergeRequest({ client }, repo, request.number, signal);
        const outcome = outcomeOf(merged, { branch, head });
        if (outcome) {
          return outcome;
        }
      } catch (error) {
        if (!(error instanceof AppError) || !READ_AGAIN.has(error.code)) {
          throw error;
        }
        failure = error;
      }
    }
    await client.clock.sleep(FIRST_WAIT_MS * 2 ** (tries - 1), signal);
  }
  throw new AppError('BUSY', `GitLab is still checking ${branch} of ${repo.path}.`, {
    cause: failure,
    remedy: 'It is tried again by itself.',
  });
}

/** Answers after which the merge request is looked at before anything is said or tried. */
const READ_AGAIN = new Set([
  'FORGE_CONFLICT',
  'FORGE_REFUSED',
  'FORGE_UNCERTAIN',
  'FORGE_UNAUTHORIZED',
  'FORGE_FORBIDDEN',
]);

/** Undefined while it is open at this head. */
function outcomeOf(
  request: ForgeMergeRequest | undefined,
  { branch, head }: { branch: string; head: string },
): MergeOutcome | undefined {
  if (request === undefined || request.state === 'closed') {
    throw new AppError('CONFLICT', `${branch} has no open merge request any more.`, {
      remedy: 'Reopen it in GitLab, or run the job again.',
    });
  }
  if (request.head !== undefined && request.head !== head) {
    throw new AppError(
      'BRANCH_MOVED',
      `!${request.number} is at ${request.head}, not at ${head}.`,
      {
        remedy: 'Look at the new state and vote again.',
      },
    );
  }
  return request.state === 'merged' && request.mergedCommit !== undefined
    ? { commit: request.mergedCommit, where: 'forge' }
    : undefined;
}

/** GitLab refused, and what it says of the merge request says why; else it may have been a moment too early. */
function isFinal(failure: AppError, { mergeStatus }: ForgeMergeRequest): boolean {
  return (
    mergeStatus !== 'mergeable' ||
    failure.code === 'FORGE_UNAUTHORIZED' ||
    failure.code === 'FORGE_FORBIDDEN'
  );
}

const REASONS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  draft_status: ['is a draft', 'Mark it as ready in GitLab.'],
  not_approved: ["lacks approvals that GitLab's own rules ask for", 'Approve it in GitLab.'],
  discussions_not_resolved: ['has open threads', 'Resolve them in GitLab.'],
  ci_must_pass: ['has no successful pipeline', 'Look at its pipeline in GitLab.'],
  need_rebase: ['has to be rebased first', 'Rebase it in GitLab, then vote again.'],
  requested_changes: ['has a reviewer who asked for changes', 'Settle it with them in GitLab.'],
};

function refusal(
  request: ForgeMergeRequest,
  { repo, cause }: { repo: ForgeRepo; cause: AppError },
): AppError {
  const { number, mergeStatus, targetBranch } = request;
  if (mergeStatus === 'conflict' || request.hasConflicts) {
    return new AppError('CONFLICT', `!${number} conflicts with ${targetBranch}.`, {
      cause,
      remedy: 'Resolve the conflict in GitLab, or ask for changes so that an agent does.',
    });
  }
  if (mergeStatus === 'mergeable') {
    return new AppError('FORGE_FORBIDDEN', `We may not merge !${number} of ${repo.path}.`, {
      cause,
      remedy: `Allow the bot's account to merge into ${targetBranch} (protected branches), or merge it yourself.`,
    });
  }
  const [what, remedy] = REASONS[mergeStatus] ?? [`is "${mergeStatus}"`, 'Look at it in GitLab.'];
  return new AppError('FORGE_REFUSED', `GitLab does not merge !${number}: it ${what}.`, {
    cause,
    remedy,
    details: { mergeStatus },
  });
}
