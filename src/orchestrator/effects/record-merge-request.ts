import type { Artifact } from '../../db/artifacts.ts';
import type { Queryable } from '../../db/db.ts';
import type { Effect } from '../../db/effects.ts';
import { listEffects } from '../../db/effects.ts';
import { recordEvents } from '../../db/events.ts';
import { watchReview } from '../../db/forge-reviews.ts';
import { openGate } from '../../db/gates.ts';
import type { MergeRequest } from '../../db/merge-requests.ts';
import {
  attachMergeRequest,
  continueMergeRequest,
  openMergeRequest,
} from '../../db/merge-requests.ts';
import { requestersOf } from '../../db/requesters.ts';
import { getRevisionInForce } from '../../db/revisions.ts';
import { matchingRules } from '../../domain/approval-verdict.ts';
import { expiryMs } from '../../domain/run-gate.ts';
import type { PublishedBranch } from '../../forge/forge.ts';
import { AppError } from '../../kernel/errors.ts';
import type { EffectContext, EffectDeps } from '../effect-handler.ts';
import { outputOf } from '../output-payload.ts';

interface Publication extends EffectContext {
  readonly artifact: Artifact;
  /** Whether the attempt ran in a sandbox: what people approve is then protected from it. */
  readonly sandboxed: boolean;
  readonly published: PublishedBranch;
  /** The forge's number of it; undefined: the forge has no merge requests of its own. */
  readonly number: number | undefined;
}

/** Writes the merge request, its gate and the event, with the job locked. */
export async function recordMergeRequest(
  { matches }: Pick<EffectDeps, 'matches'>,
  tx: Queryable,
  publication: Publication,
): Promise<void> {
  const { effect, repo, job, artifact, sandboxed, published } = publication;
  const request = await writeMergeRequest(tx, publication);
  await attachMergeRequest(tx, job.id, request);
  if (publication.number !== undefined) {
    await watchReview(tx, {
      repoId: repo.id,
      number: publication.number,
      kind: 'merge',
      mergeRequestId: request.id,
      published: published.head,
    });
  }

  const { spec } = await getRevisionInForce(tx, repo.id);
  const { paths } = artifact.stat;
  const matching = matchingRules({
    gate: 'merge',
    rules: spec.approvals,
    agent: job.agent,
    paths,
    matches,
  });
  const rules = matching.map(([name, rule]) => ({ name, rule }));
  const expiresInMs = expiryMs(rules);
  const { id, number, title, description, branch } = request;
  await openGate(tx, {
    repoId: repo.id,
    jobId: job.id,
    mergeRequestId: id,
    kind: 'merge',
    head: published.head,
    title,
    body: [description, await memorySection(tx, effect), published.note]
      .filter(Boolean)
      .join('\n\n'),
    rules,
    requesters: await requestersOf(tx, job.rootId),
    protected: sandboxed,
    ...(expiresInMs !== undefined && { expiresInMs }),
  });
  await recordEvents(tx, [
    {
      repoId: repo.id,
      type: job.mergeRequestId === null ? 'merge_request_opened' : 'merge_request_updated',
      key: `merge_request:${id}:${published.head}`,
      effectId: effect.id,
      payload: {
        merge_request: { id, number, title, description, branch },
        sha: published.head,
        paths,
        job_id: job.id,
      },
    },
  ]);
}

/** What the attempt wants remembered, verbatim: whoever approves the change approves this with it. */
async function memorySection(tx: Queryable, { jobId, attempt }: Effect): Promise<string> {
  const effects = jobId === null ? [] : await listEffects(tx, jobId);
  const candidates = effects
    .filter((one) => one.type === 'memory' && one.attempt === attempt && one.state !== 'staged')
    .map((one) => outputOf(one, 'memory'));
  const items = candidates.map(({ kind, text }) => `${kind}:\n${text.replaceAll(/^/gmu, '> ')}`);
  return items.length === 0 ? '' : ['## Memory candidates', ...items].join('\n\n');
}

async function writeMergeRequest(
  tx: Queryable,
  { effect, repo, job, artifact, published, number }: Publication,
): Promise<MergeRequest> {
  const { title, description } = outputOf(effect, 'merge_request');
  const { branch, head } = published;
  if (job.mergeRequestId === null) {
    return openMergeRequest(tx, {
      repoId: repo.id,
      jobId: job.id,
      rootId: job.rootId,
      branch,
      base: artifact.base,
      head,
      title,
      description,
      number,
    });
  }
  const next = { jobId: job.id, branch, head, title, description };
  const request = await continueMergeRequest(tx, job.mergeRequestId, next);
  if (!request) {
    throw new AppError('CONFLICT', 'the merge request was merged or closed meanwhile.', {
      remedy: `To have the work on top of what is there now: \`autodev retry j_${job.id}\`.`,
    });
  }
  return request;
}
