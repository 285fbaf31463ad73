import { Readable } from 'node:stream';

import { findArtifact } from '../../db/artifacts.ts';
import type { Artifact } from '../../db/artifacts.ts';
import type { AttemptRow } from '../../db/attempts.ts';
import { getAttempt } from '../../db/attempts.ts';
import type { Queryable } from '../../db/db.ts';
import { recordEvents } from '../../db/events.ts';
import { openGate } from '../../db/gates.ts';
import type { JobRow } from '../../db/job-rows.ts';
import type { MergeRequest } from '../../db/merge-requests.ts';
import {
  attachMergeRequest,
  findMergeRequest,
  upsertMergeRequest,
} from '../../db/merge-requests.ts';
import { getRevisionInForce } from '../../db/revisions.ts';
import { matchingRules } from '../../domain/approval-verdict.ts';
import type { PublishedBranch } from '../../forge/forge.ts';
import { AppError } from '../../kernel/errors.ts';
import type { EffectContext, EffectDeps, EffectHandler } from '../effect-handler.ts';
import { outputOf } from '../output-payload.ts';
import { requestersOf } from '../requesters.ts';

/**
 * Puts a result on its branch, opens the merge request (or moves the one it continues to the new head) and opens
 * the gate that people's votes go to. The bundle is checked again before anything leaves.
 */
export const publishMergeRequest: EffectHandler = async (deps, context, signal) => {
  const { db, forge } = deps;
  const { effect, repo, job } = context;
  const artifact = await findArtifact(db, {
    jobId: job.id,
    ...(effect.attempt !== null && { attempt: effect.attempt }),
  });
  if (!artifact) {
    throw new AppError('PATCH_REFUSED', `${job.title}: the attempt left no change to publish`);
  }
  const attempt = await getAttempt(db, { jobId: job.id, attempt: artifact.attempt });
  const refusals = await deps.recheckArtifact(repo, artifact, attempt.spec.allow, signal);
  if (refusals.length > 0) {
    throw new AppError('PATCH_REFUSED', `the change may not leave: ${refusals.join(' ')}`);
  }

  const continued =
    job.mergeRequestId === null ? undefined : await findMergeRequest(db, job.mergeRequestId);
  const published = await forge.publishBranch(
    repo,
    {
      branch: continued?.branch ?? branchName(job),
      bundle: Readable.from(artifact.bundle),
      head: artifact.head,
      expected: continued?.head,
    },
    signal,
  );

  return {
    result: { branch: published.branch, head: published.head, note: published.note },
    record: (tx) =>
      recordMergeRequest(deps, tx, { ...context, artifact, attempt, published, continued }),
  };
};

async function recordMergeRequest(
  { matches }: EffectDeps,
  tx: Queryable,
  {
    effect,
    repo,
    job,
    artifact,
    attempt,
    published,
    continued,
  }: EffectContext & {
    artifact: Artifact;
    attempt: AttemptRow;
    published: PublishedBranch;
    continued: MergeRequest | undefined;
  },
): Promise<void> {
  const { title, description } = outputOf(effect, 'merge_request');
  const request = await upsertMergeRequest(tx, {
    repoId: repo.id,
    jobId: job.id,
    rootId: job.rootId,
    branch: published.branch,
    base: continued?.base ?? artifact.base,
    head: published.head,
    title,
    description,
  });
  await attachMergeRequest(tx, job.id, request);

  const { spec } = await getRevisionInForce(tx, repo.id);
  const rules = matchingRules({
    gate: 'merge',
    rules: spec.approvals,
    agent: job.agent,
    paths: artifact.stat.paths,
    matches,
  });
  await openGate(tx, {
    repoId: repo.id,
    jobId: job.id,
    mergeRequestId: request.id,
    kind: 'merge',
    head: published.head,
    title,
    body: [description, published.note].filter(Boolean).join('\n\n'),
    rules: rules.map(([name, rule]) => ({ name, rule })),
    requesters: await requestersOf(tx, job.rootId),
    protected: attempt.sandboxed,
  });
  await recordEvents(tx, [
    {
      repoId: repo.id,
      type: continued ? 'merge_request_updated' : 'merge_request_opened',
      key: `merge_request:${request.id}:${published.head}`,
      effectId: effect.id,
      payload: {
        merge_request: { id: request.id, number: request.number, title, branch: request.branch },
        sha: published.head,
        job_id: job.id,
      },
    },
  ]);
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
