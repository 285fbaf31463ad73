import type { NewEffect } from '../db/effects.ts';
import type { JobRow } from '../db/job-rows.ts';
import type { Output } from '../domain/output.ts';
import type { AgentSpec, OutputType } from '../domain/spec.ts';

/** What people see first is made first, and a question ends the list: the job waits behind it. */
const ORDER = [
  'memory',
  'issue',
  'merge_request',
  'review',
  'comment',
  'question',
] as const satisfies readonly OutputType[];

/** Whether what an output asks for is shown and not done: one `staged` on the way is enough. */
export function isStaged(
  { staged }: Pick<JobRow, 'staged'>,
  { mode, allow }: Pick<AgentSpec, 'mode' | 'allow'>,
  type: OutputType,
): boolean {
  return staged || mode === 'staged' || allow[type]?.mode === 'staged';
}

/** The changes to the outside world that an attempt asks for, in the order in which they are carried out. */
export function effectsOf(job: JobRow, spec: AgentSpec, outputs: readonly Output[]): NewEffect[] {
  return ORDER.flatMap((type) => outputs.filter((output) => output.type === type)).map(
    (output, i) => ({
      repoId: job.repoId,
      jobId: job.id,
      attempt: job.attempts,
      position: i + 1,
      type: output.type,
      payload: { ...output },
      key: `${job.id}:${job.attempts}:${i + 1}`,
      staged: isStaged(job, spec, output.type),
    }),
  );
}
