import { CONFIG_FILE } from '../config/config-file.ts';
import { writeAudit } from '../db/audit.ts';
import { markMergeRequests } from '../db/config-plans.ts';
import type { Db } from '../db/db.ts';
import type { DueOnboarding } from '../db/onboardings.ts';
import {
  findOnboarding,
  settleOnboarding,
  takeDueOnboardings,
  wantOnboarding,
} from '../db/onboardings.ts';
import { wish } from '../db/own-effects.ts';
import { getRepo } from '../db/repos.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import { backoffMs } from '../domain/backoff.ts';
import { AppError } from '../kernel/errors.ts';
import { FIRST_FILE, OFFER_TEXT, OFFER_TITLE } from './onboarding-text.ts';
import type { PlanDeps } from './plan-verdict.ts';

const LEASE_MS = 120_000;
const AT_ONCE = 10;
/** Until the orchestrator has opened it. */
const OPENING_MS = 2000;
/** An open offer waits for people; what they do to its file is told by hooks. */
const OPEN_MS = 60_000;

/**
 * Asks for a merge request that offers a first autodev.yaml. CONFLICT when one is in force, or when people declined
 * before and `again` does not say that they are to be asked once more.
 */
export async function offerOnboarding(
  { db }: { db: Db },
  repoId: number,
  { actor, again = false }: { actor: string; again?: boolean },
): Promise<void> {
  const { path, forge } = await getRepo(db, repoId);
  if (forge !== 'gitlab') {
    throw new AppError(
      'INVALID_REQUEST',
      `${path} is on this machine: there is nobody to offer it to`,
      {
        remedy: 'Write the file with `autodev init`, and commit it.',
      },
    );
  }
  if (await findRevisionInForce(db, repoId)) {
    throw new AppError('CONFLICT', `${path} has an autodev.yaml in force`);
  }
  await db.transaction(async (tx) => {
    const known = await findOnboarding(tx, repoId);
    if (known?.state === 'declined' && !again) {
      throw new AppError(
        'CONFLICT',
        `${path} declined: !${known.number} was closed by ${known.endedBy ?? 'somebody'}`,
        {
          remedy: 'Ask its owners first; then offer it again explicitly.',
        },
      );
    }
    await wantOnboarding(tx, { repoId, by: actor });
    await writeAudit(tx, { actor, action: 'repo.onboard', target: path, repoId });
  });
}

/** Brings offers on: opened, followed, and ended by what people did. Answers how many were looked at. */
export async function onboardDue(deps: PlanDeps, signal: AbortSignal): Promise<number> {
  const due = await takeDueOnboardings(deps.db, { leaseMs: LEASE_MS, limit: AT_ONCE });
  for (const one of due) {
    try {
      await follow(deps, one, signal);
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      deps.log.warn({ err: error, repo: one.repo.path }, 'onboarding not followed');
      await settleOnboarding(deps.db, one, {
        state: one.state,
        error: error.message,
        againInMs: signal.aborted ? 0 : backoffMs(one.failures + 1, one.repo.path),
      });
    }
  }
  return due.length;
}

async function follow(
  { db, review }: PlanDeps,
  due: DueOnboarding,
  signal: AbortSignal,
): Promise<void> {
  const { repo, state, round, head } = due;
  const branch = round === 1 ? 'autodev/onboarding' : `autodev/onboarding-${round}`;
  const found = await review.findMergeRequest(repo, branch, signal);
  if (!found) {
    if (due.hasRevision) {
      await settleOnboarding(db, due, { state: 'superseded', againInMs: 0 });
      return;
    }
    await db.transaction(async (tx) => {
      const ours = await settleOnboarding(tx, due, { state, againInMs: OPENING_MS });
      if (ours && head !== null) {
        await wish(tx, {
          repoId: repo.id,
          type: 'onboarding',
          subject: `onboarding:${repo.id}`,
          payload: {
            branch,
            base: head,
            path: CONFIG_FILE,
            content: FIRST_FILE,
            message: 'Add autodev.yaml',
            title: OFFER_TITLE,
            description: OFFER_TEXT,
          },
        });
      }
    });
    return;
  }

  const { number } = found;
  switch (found.state) {
    case 'opened':
    case 'locked':
      await db.transaction(async (tx) => {
        const ours = await settleOnboarding(tx, due, { state: 'open', number, againInMs: OPEN_MS });
        if (ours && state === 'wanted') {
          await markMergeRequests(tx, repo.id, [number]);
        }
      });
      return;
    case 'merged':
    case 'closed': {
      const isMerged = found.state === 'merged';
      const endedBy = (isMerged ? found.mergedBy : found.closedBy)?.username;
      await db.transaction(async (tx) => {
        const ended = isMerged ? 'merged' : 'declined';
        if (await settleOnboarding(tx, due, { state: ended, number, endedBy, againInMs: 0 })) {
          await writeAudit(tx, {
            actor: endedBy ?? 'somebody',
            action: isMerged ? 'repo.onboarded' : 'repo.declined',
            target: repo.path,
            repoId: repo.id,
            detail: { merge_request: number },
          });
        }
      });
      return;
    }
    default:
      found.state satisfies never;
  }
}
