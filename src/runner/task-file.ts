import { formatJobId } from '../domain/job-id.ts';
import type { ClaimedAttempt } from './claim.ts';

/** What of a claimed attempt a worker is told: a rehearsal has no more than this. */
interface Told {
  readonly job: Pick<
    ClaimedAttempt['job'],
    'id' | 'attempts' | 'agent' | 'title' | 'task' | 'subject' | 'trigger' | 'input'
  >;
  readonly repo: Pick<ClaimedAttempt['repo'], 'id' | 'path'>;
  readonly spec: Pick<ClaimedAttempt['spec'], 'instructions' | 'paths'>;
}

/** What a worker is told, as `AUTODEV_TASK_FILE` holds it; docs/guides/command-agents.md lists the members. */
export function taskOf(
  { job, repo, spec }: Told,
  { base, role }: { base: string; role: string },
): object {
  return {
    job: formatJobId(job.id),
    attempt: job.attempts,
    agent: job.agent,
    role,
    repo: { id: String(repo.id), path: repo.path },
    base,
    title: job.title,
    task: job.task,
    instructions: spec.instructions?.text ?? null,
    paths: spec.paths,
    memory: [],
    subject: job.subject,
    trigger: job.trigger,
    input: job.input,
  };
}
