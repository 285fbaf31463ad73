import { writeAudit } from '../db/audit.ts';
import { pause } from '../db/controls.ts';
import type { Queryable } from '../db/db.ts';
import { BYPASSED } from '../db/forge-reviews.ts';
import { closeGate, type Gate } from '../db/gates.ts';
import { closeMergeRequest, type MergeRequest } from '../db/merge-requests.ts';
import { moveToFinal } from '../db/promote.ts';
import type { Agent } from '../domain/agent.ts';

/**
 * Work that is in the default branch although its rules were not met: GitLab Free cannot prevent it. The job has
 * succeeded, because the work is there; nothing follows from it, and its lane pauses until a person resumes it. No
 * event is recorded, so that no trigger fires, and the branch is left for whoever looks into it.
 */
export async function recordBypassed(
  tx: Queryable,
  {
    request,
    gate,
    commit,
    by,
    why,
    agent,
  }: {
    request: MergeRequest;
    gate: Gate | undefined;
    commit: string;
    by: string;
    why: readonly string[];
    agent: Agent | undefined;
  },
): Promise<void> {
  if (!(await closeMergeRequest(tx, request.id, { state: 'merged', commit, by }))) {
    return;
  }
  const detail = `approval: bypassed(${by})`;
  if (gate) {
    await closeGate(tx, gate.id, { state: 'superseded', by, note: `${detail}. ${why.join(' ')}` });
  }
  await writeAudit(tx, {
    actor: by,
    action: 'approval.bypassed',
    target: `!${request.number}`,
    repoId: request.repoId,
    detail: { commit, head: request.head, gate: gate && `g_${gate.id}`, why },
  });
  await moveToFinal(tx, request.jobId, {
    from: 'review',
    to: 'succeeded',
    actor: by,
    detail: `Merged as ${commit.slice(0, 12)}; ${detail}.`,
  });
  if (agent !== undefined) {
    // Last: lanes are locked behind jobs.
    await pause(tx, {
      scope: { repoId: request.repoId, agent },
      actor: 'autodev',
      reason: `${BYPASSED}: !${request.number} by ${by}. ${why.join(' ')}`.trim(),
    });
  }
}
