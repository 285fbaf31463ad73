import { listConfigObjects } from '../db/config-objects.ts';
import type { Queryable } from '../db/db.ts';
import { add, type Spend } from '../domain/budget.ts';
import { defuseTitle } from '../domain/defuse-text.ts';
import { formatJobId } from '../domain/job-id.ts';
import type { OutputLine } from '../domain/outputs.ts';
import type { ClaimedAttempt } from './claim.ts';

/** The title that people read, and where the work came from. */
export function commitMessage(
  { job, revision }: ClaimedAttempt,
  { lines, configLine, spent }: { lines: readonly OutputLine[]; configLine: number; spent: Spend },
): string {
  // Of all attempts: the job's row has the earlier ones.
  const { microUsd, tokens } = add({ microUsd: job.microUsd, tokens: job.tokens }, spent);
  const request = lines.find(({ output }) => output.type === 'merge_request')?.output;
  const asked = request?.type === 'merge_request' ? request.title : job.title;
  const title = defuseTitle(asked, { linkHosts: [] }) || `Work of the ${job.agent}`;
  const trailers = [
    `Autodev-Job: ${formatJobId(job.id)}`,
    `Autodev-Agent: ${job.agent}`,
    `Autodev-Config: ${job.trigger.commit ?? revision.commit}:${configLine}`,
    `Autodev-Cost: ${(microUsd / 1_000_000).toFixed(2)} USD, ${tokens} tokens`,
  ];
  return `${title}\n\n${trailers.join('\n')}\n`;
}

/** The line of autodev.yaml that asked for a job: its trigger's, or its agent's. */
export async function configLineOf(db: Queryable, { job, repo }: ClaimedAttempt): Promise<number> {
  if (job.trigger.line !== undefined) {
    return job.trigger.line;
  }
  const objects = await listConfigObjects(db, repo.id);
  return objects.find(({ kind, name }) => kind === 'agent' && name === job.agent)?.line ?? 1;
}
