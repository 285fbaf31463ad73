import type { EndReason } from '../domain/end-reason.ts';
import type { AgentSpec } from '../domain/spec.ts';
import { AppError } from '../kernel/errors.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** One command of `setup` or `check` as it went. */
export interface CheckResult {
  readonly command: string;
  readonly exit: number;
  readonly ms: number;
}

export interface NewAttempt {
  readonly jobId: number;
  readonly attempt: number;
  readonly runner: number;
  readonly epoch: number;
  readonly provider: string;
  readonly model: string | null;
  /** What the attempt obeys, resolved at claim. */
  readonly spec: AgentSpec;
  /** Of spec and policy together. */
  readonly digest: string;
  readonly revisionId: number;
  readonly sandboxed: boolean;
  readonly reservedMicroUsd: number;
  readonly reservedTokens: number;
  /** Budget windows that the reservation is held in. */
  readonly windows: readonly number[];
}

/** Writes the attempts of a claim, in the claim's transaction: before any of them has a process. */
export async function insertAttempts(
  tx: Queryable,
  attempts: readonly NewAttempt[],
): Promise<void> {
  await tx.query(sql`
    insert into attempt (job_id, attempt, runner, epoch, provider, model, spec, digest, revision_id, sandboxed,
      reserved_micro_usd, reserved_tokens, windows)
    select a."jobId", a.attempt, a.runner, a.epoch, a.provider, a.model, a.spec, a.digest, a."revisionId", a.sandboxed,
      a."reservedMicroUsd", a."reservedTokens", a.windows
    from jsonb_to_recordset(${JSON.stringify(attempts)}::jsonb)
      as a("jobId" bigint, attempt smallint, runner int, epoch int, provider text, model text, spec jsonb, digest text,
           "revisionId" bigint, sandboxed boolean, "reservedMicroUsd" bigint, "reservedTokens" bigint, windows bigint[])
  `);
}

/** Whose an attempt is. Every write for it carries this, and a stale one changes nothing. */
export interface AttemptFence {
  readonly jobId: number;
  readonly attempt: number;
  readonly runner: number;
  readonly epoch: number;
}

/** Notes the worker's process, so that a restarted runner can find and end what outlived it. */
export async function setAttemptProcess(
  db: Queryable,
  { jobId, attempt, runner, epoch }: AttemptFence,
  process: { base: string; pid: number; startTime: number },
): Promise<boolean> {
  const rows = await db.query(sql`
    update attempt set base = ${process.base}, pid = ${process.pid}, pid_started_at = ${String(process.startTime)}
    where job_id = ${jobId} and attempt = ${attempt} and runner = ${runner} and epoch = ${epoch} and ended_at is null
    returning 1
  `);
  return rows.length > 0;
}

export interface AttemptEnding {
  readonly reason: EndReason;
  readonly detail: string | null;
  readonly counted: boolean;
  readonly tokens: number;
  readonly microUsd: number;
  readonly exact: boolean;
  readonly checks: readonly CheckResult[];
}

/** Ends an attempt once, and books its spend on the job. False when it was ended already, or is somebody else's. */
export async function endAttempt(
  tx: Queryable,
  { jobId, attempt, runner, epoch }: AttemptFence,
  ending: AttemptEnding,
): Promise<boolean> {
  const rows = await tx.query(sql`
    with ended as (
      update attempt
      set ended_at = clock_timestamp(), reason = ${ending.reason}, detail = ${ending.detail}, counted = ${ending.counted},
          tokens = ${ending.tokens}, micro_usd = ${ending.microUsd}, exact = ${ending.exact},
          checks = ${JSON.stringify(ending.checks)}::jsonb
      where job_id = ${jobId} and attempt = ${attempt} and runner = ${runner} and epoch = ${epoch} and ended_at is null
      returning job_id
    )
    update job set tokens = job.tokens + ${ending.tokens}::bigint, micro_usd = job.micro_usd + ${ending.microUsd}::bigint
    from ended where job.id = ended.job_id
    returning 1
  `);
  return rows.length > 0;
}

export interface AttemptRow extends AttemptFence {
  readonly spec: AgentSpec;
  readonly provider: string;
  readonly base: string | null;
  readonly reason: EndReason | null;
  readonly detail: string | null;
  readonly sandboxed: boolean;
  readonly reservedMicroUsd: number;
  readonly reservedTokens: number;
  readonly windows: readonly number[];
  readonly pid: number | null;
  readonly pidStartedAt: string | null;
  readonly checks: readonly CheckResult[];
}

const columns = sql`job_id as "jobId", attempt::int as attempt, runner, epoch, spec, provider, base, reason, detail,
  sandboxed, reserved_micro_usd as "reservedMicroUsd", reserved_tokens as "reservedTokens", windows, pid,
  pid_started_at as "pidStartedAt", checks`;

/** Throws NOT_FOUND. */
export async function getAttempt(
  db: Queryable,
  { jobId, attempt }: { jobId: number; attempt: number },
): Promise<AttemptRow> {
  const [row] = await db.query<AttemptRow>(sql`
    select ${columns} from attempt where job_id = ${jobId} and attempt = ${attempt}
  `);
  if (!row) {
    throw new AppError('NOT_FOUND', `job j_${jobId} has no attempt ${attempt}`);
  }
  return row;
}

/** All attempts of a job, oldest first. */
export function listAttempts(db: Queryable, jobId: number): Promise<AttemptRow[]> {
  return db.query<AttemptRow>(sql`
    select ${columns} from attempt where job_id = ${jobId} order by attempt
  `);
}

/** What a runner was at when it stopped: attempts without an end. */
export function listOpenAttempts(db: Queryable, runner: number): Promise<AttemptRow[]> {
  return db.query<AttemptRow>(sql`
    select ${columns} from attempt where runner = ${runner} and ended_at is null order by job_id, attempt
  `);
}
