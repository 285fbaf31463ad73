import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { EndReason } from '../domain/end-reason.ts';
import type { JobState } from '../domain/job-state.ts';
import type { Role } from '../domain/role.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** What later runs of the agent may know of this one: computed by us, never a worker's prose. */
interface RunNote {
  readonly jobId: number;
  readonly repoId: number;
  readonly agent: Agent;
  /** The state that the job went to. */
  readonly outcome: JobState;
  readonly reason: EndReason;
  readonly title: string;
  readonly summary: string;
  readonly paths: readonly string[];
  readonly trust: Role;
}

/** One note a job; a later attempt of it replaces the earlier one's. */
export async function upsertRunNote(tx: Queryable, note: RunNote): Promise<void> {
  await tx.query(sql`
    insert into run_note (job_id, repo_id, agent, outcome, reason, title, summary, paths, trust)
    values (${note.jobId}, ${note.repoId}, ${agentCode(note.agent)}, ${note.outcome}, ${note.reason}, ${note.title},
      ${note.summary}, ${note.paths}::text[], ${note.trust})
    on conflict (job_id) do update set
      outcome = excluded.outcome, reason = excluded.reason, summary = excluded.summary, paths = excluded.paths,
      created_at = now()
  `);
}
