import { Readable } from 'node:stream';

import { findArtifact } from '../../db/artifacts.ts';
import type { Artifact } from '../../db/artifacts.ts';
import type { AttemptRow } from '../../db/attempts.ts';
import { getAttempt } from '../../db/attempts.ts';
import type { Db } from '../../db/db.ts';
import type { JobRow } from '../../db/job-rows.ts';
import type { MergeRequest } from '../../db/merge-requests.ts';
import { findMergeRequest } from '../../db/merge-requests.ts';
import type { PublishedBranch } from '../../forge/forge.ts';
import { AppError } from '../../kernel/errors.ts';
import { allowedToday } from '../allowed-today.ts';
import type { EffectContext, EffectDeps, EffectHandler } from '../effect-handler.ts';
import { openOnForge } from './open-on-forge.ts';
import { recordMergeRequest } from './record-merge-request.ts';
import { startOver } from './start-over.ts';

/**
 * Puts a result on its branch, opens the merge request (or moves the one it continues to the new head) and opens
 * the gate that people's votes go to. The bundle is checked again before anything leaves. Where somebody has pushed
 * to the branch meanwhile their commits stay, and the job starts over on top of them.
 */
export const publishMergeRequest: EffectHandler = async (deps, context, signal) => {
  const { db } = deps;
  const { repo, job } = context;
  const { artifact, attempt } = await resultOf(db, context);
  const continued = await findContinued(db, job);
  const today = await allowedToday(db, job);
  const allows = [attempt.spec.allow, ...(today ? [today] : [])];
  const refusals = await deps.recheckArtifact(repo, artifact, allows, signal);
  if (refusals.length > 0) {
    throw new AppError('PATCH_REFUSED', `the change may not leave: ${refusals.join(' ')}`);
  }

  try {
    const published = await publish(deps, { context, artifact, continued }, signal);
    const number = await openOnForge(deps, context, { artifact, published }, signal);
    return {
      result: { branch: published.branch, head: published.head, note: published.note },
      record: (tx, locked) =>
        recordMergeRequest(deps, tx, {
          ...context,
          job: locked,
          artifact,
          sandboxed: attempt.sandboxed,
          published,
          number,
        }),
    };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'BRANCH_MOVED') {
      throw error;
    }
    return startOver(job, { continued, cause: error });
  }
};

async function resultOf(
  db: Db,
  { effect, job }: Pick<EffectContext, 'effect' | 'job'>,
): Promise<{ artifact: Artifact; attempt: AttemptRow }> {
  const artifact = await findArtifact(db, {
    jobId: job.id,
    ...(effect.attempt !== null && { attempt: effect.attempt }),
  });
  if (!artifact) {
    throw new AppError('PATCH_REFUSED', `${job.title}: the attempt left no change to publish.`, {
      remedy: `Run it again: \`autodev retry j_${job.id}\`.`,
    });
  }
  const { attempt } = artifact;
  return { artifact, attempt: await getAttempt(db, { jobId: job.id, attempt }) };
}

/** The merge request that the job works on; undefined: it is to open one. */
async function findContinued(db: Db, job: JobRow): Promise<MergeRequest | undefined> {
  const request =
    job.mergeRequestId === null ? undefined : await findMergeRequest(db, job.mergeRequestId);
  if (request && request.state !== 'open') {
    throw new AppError('CONFLICT', `!${request.number} was ${request.state} meanwhile.`, {
      remedy: `To have the work on top of what is there now: \`autodev retry j_${job.id}\`.`,
    });
  }
  return request;
}

/**
 * A branch that is continued must stand where the work began: a bundle brings one commit on its base, and moving the
 * branch from anywhere else would drop commits.
 */
function publish(
  { forge }: EffectDeps,
  {
    context: { repo, job },
    artifact,
    continued,
  }: { context: EffectContext; artifact: Artifact; continued: MergeRequest | undefined },
  signal: AbortSignal,
): Promise<PublishedBranch> {
  return forge.publishBranch(
    repo,
    {
      branch: continued?.branch ?? branchName(job),
      bundle: Readable.from([artifact.bundle]),
      head: artifact.head,
      expected: continued && artifact.base,
    },
    signal,
  );
}

/** `autodev/builder/12-fix-rounding`: says whose it is, is unique by the job, and can be read. */
function branchName(job: JobRow): string {
  const slug = job.title
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return `autodev/${job.agent}/${job.id}${slug === '' ? '' : `-${slug}`}`;
}
