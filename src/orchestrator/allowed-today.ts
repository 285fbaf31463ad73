import { getAttempt } from '../db/attempts.ts';
import type { Queryable } from '../db/db.ts';
import type { Effect } from '../db/effects.ts';
import type { JobRow } from '../db/job-rows.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { Allow, OutputType } from '../domain/spec.ts';
import { AppError } from '../kernel/errors.ts';

/**
 * What a job's agent may do by the file in force, which holds what the policy leaves of it: the attempt obeyed what
 * was in force when it was claimed, and what leaves obeys both. Undefined where no file is in force; an agent that
 * is gone from it may do nothing.
 */
export async function allowedToday(
  db: Queryable,
  { repoId, agent }: Pick<JobRow, 'repoId' | 'agent'>,
): Promise<Allow | undefined> {
  const revision = await findRevisionInForce(db, repoId);
  return revision && (revision.spec.agents[agent]?.allow ?? {});
}

/** Throws POLICY_VIOLATION for an output that its attempt might write and the agent may no longer. */
export async function refuseTakenAway(
  db: Queryable,
  { jobId, attempt, type }: Pick<Effect, 'jobId' | 'attempt' | 'type'>,
  job: JobRow,
): Promise<void> {
  if (jobId === null || attempt === null || !isOutputType(type)) {
    return;
  }
  const today = await allowedToday(db, job);
  const { spec } = await getAttempt(db, { jobId, attempt });
  if (today && spec.allow[type] !== undefined && today[type] === undefined) {
    throw new AppError('POLICY_VIOLATION', `the ${job.agent} may no longer write \`${type}\``, {
      remedy: `Allow it again (agents.${job.agent}.allow.${type}), then \`autodev retry j_${job.id}\`.`,
    });
  }
}

const OUTPUT_TYPES: Readonly<Record<OutputType, true>> = {
  merge_request: true,
  review: true,
  comment: true,
  issue: true,
  hand_off: true,
  memory: true,
  question: true,
  noop: true,
};

function isOutputType(type: string): type is OutputType {
  return Object.hasOwn(OUTPUT_TYPES, type);
}
