import type { Role } from '../domain/role.ts';
import type { ProviderName } from '../domain/spec.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** A conversation of a worker's program that a later attempt may go on with. */
export interface WorkerSession {
  readonly jobId: number;
  readonly provider: ProviderName;
  readonly model: string | null;
  readonly sessionId: string;
  /** The program's own file, relative to the worker's home. */
  readonly path: string;
  readonly content: Buffer;
  /** Tokens of all its runs together, as the program counts them. */
  readonly used: Readonly<Record<string, number>>;
  readonly trust: Role;
}

/** Keeps the newest session of a job. */
export async function keepWorkerSession(db: Queryable, session: WorkerSession): Promise<void> {
  await db.query(sql`
    insert into worker_session (job_id, provider, model, session_id, path, content, used, trust)
    values (${session.jobId}, ${session.provider}, ${session.model}, ${session.sessionId}, ${session.path},
      ${session.content}, ${JSON.stringify(session.used)}::jsonb, ${session.trust})
    on conflict (job_id) do update
    set provider = excluded.provider, model = excluded.model, session_id = excluded.session_id, path = excluded.path,
        content = excluded.content, used = excluded.used, trust = excluded.trust, at = now()
  `);
}

export async function findWorkerSession(
  db: Queryable,
  jobId: number,
): Promise<WorkerSession | undefined> {
  const [row] = await db.query<WorkerSession>(sql`
    select job_id as "jobId", provider, model, session_id as "sessionId", path, content, used, trust
    from worker_session where job_id = ${jobId}::bigint
  `);
  return row;
}

/** Forgets sessions that nobody has gone on with for so long. Answers how many. */
export async function deleteOldWorkerSessions(
  db: Queryable,
  { days }: { days: number },
): Promise<number> {
  const rows = await db.query(sql`
    delete from worker_session where at < now() - make_interval(days => ${days}::int) returning 1
  `);
  return rows.length;
}
