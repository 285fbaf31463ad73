import { listAttempts } from '../db/attempts.ts';
import type { Queryable } from '../db/db.ts';
import type { NewJob } from '../db/enqueue.ts';
import { listChain } from '../db/job-chain.ts';
import type { JobRow } from '../db/job-rows.ts';
import type { ChainLink } from '../domain/hand-off.ts';
import { checkHandOff } from '../domain/hand-off.ts';
import type { Output } from '../domain/output.ts';
import type { Failure } from './box-run.ts';
import type { ClaimedAttempt } from './claim.ts';
import { isStaged } from './effects-of.ts';

type HandOff = Extract<Output, { type: 'hand_off' }>;

/**
 * The jobs that an attempt hands work to, or why it may not. They wait for their parent; what it publishes is put
 * into them when they are woken.
 *
 * @param head the commit that they will work at
 */
export async function planHandOffs(
  db: Queryable,
  { job, spec, revision }: Pick<ClaimedAttempt, 'job' | 'spec' | 'revision'>,
  { outputs, head }: { outputs: readonly Output[]; head: string | undefined },
): Promise<{ readonly children: readonly NewJob[] } | { readonly failure: Failure }> {
  const asked = outputs.filter((output): output is HandOff => output.type === 'hand_off');
  if (asked.length === 0) {
    return { children: [] };
  }
  const related = await listChain(db, job.rootId);
  const chain = await linksTo(db, job, related);
  const started = related.filter(
    ({ parentId, trigger }) => parentId === job.id && trigger.kind === 'hand_off',
  ).length;

  const children: NewJob[] = [];
  for (const { agent, title, task } of asked) {
    if (revision.spec.agents[agent] === undefined) {
      const detail = `Work was handed to ${agent}, which this repository does not have.`;
      return { failure: { reason: 'invalid_output', detail } };
    }
    const verdict = checkHandOff({ to: agent, head, chain, children: started + children.length });
    if (!verdict.ok) {
      const reason = verdict.code === 'too_many' ? 'invalid_output' : 'loop';
      return { failure: { reason, detail: verdict.message } };
    }
    children.push({
      repoId: job.repoId,
      agent,
      title,
      task,
      trigger: {
        kind: 'hand_off',
        actor: 'autodev',
        from_job: job.id,
        commit: revision.commit,
        ...(job.trigger.line !== undefined && { line: job.trigger.line }),
      },
      trust: job.trust,
      priority: job.priority,
      state: { waiting: 'parent' },
      rootId: job.rootId,
      parentId: job.id,
      depth: verdict.depth,
      staged: isStaged(job, spec, 'hand_off'),
      ...(job.subject && { subject: job.subject }),
      ...(job.base !== null && { base: job.base }),
      ...(job.branch !== null && { branch: job.branch }),
      ...(job.mergeRequestId !== null && { mergeRequestId: job.mergeRequestId }),
    });
  }
  return { children };
}

/** From the root to the job itself, each with the commit that it worked at last. */
async function linksTo(
  db: Queryable,
  job: JobRow,
  related: readonly JobRow[],
): Promise<ChainLink[]> {
  const path: JobRow[] = [];
  for (let at: JobRow | undefined = job; at !== undefined && !path.includes(at);) {
    path.unshift(at);
    const { parentId }: JobRow = at;
    at = related.find(({ id }) => id === parentId);
  }
  const links: ChainLink[] = [];
  for (const { id, agent } of path) {
    const attempts = await listAttempts(db, id);
    links.push({ agent, head: attempts.findLast(({ base }) => base !== null)?.base ?? undefined });
  }
  return links;
}
