import type { BudgetAsk } from '../domain/budget-caps.ts';
import type { ApprovalRule } from '../domain/spec.ts';
import { AppError } from '../kernel/errors.ts';
import type { Queryable } from './db.ts';
import { isDueAgain, isFree } from './setbacks.ts';
import { sql } from './sql.ts';

/** `question`, `budget` and `rounds` are gates that an agent's work ran into; the others come from rules. */
type GateType = 'run' | 'merge' | 'config' | 'question' | 'budget' | 'rounds';
export type GateState =
  | 'open'
  | 'approved'
  | 'rejected'
  | 'changes'
  | 'answered'
  | 'expired'
  | 'superseded';
export type Verdict = 'approve' | 'reject' | 'changes' | 'answer';
export type VoteVia =
  | 'cli'
  | 'api'
  | 'dashboard'
  | 'merge'
  | 'branch_deleted'
  | 'note'
  | 'approval';

export interface NamedRule {
  readonly name: string;
  readonly rule: ApprovalRule;
}

/** Why the last decision could not be carried out, e.g. a working copy with changes in it. */
export interface GateProblem {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  /** The vote that ran into it; a later vote tries again. */
  readonly voteId: number;
}

export interface Gate {
  readonly id: number;
  readonly repoId: number;
  readonly jobId: number | null;
  readonly mergeRequestId: number | null;
  readonly revisionId: number | null;
  readonly kind: GateType;
  readonly state: GateState;
  /** Votes bind to it; null for gates that are about no commit. */
  readonly head: string | null;
  readonly title: string;
  readonly body: string;
  readonly rules: readonly NamedRule[];
  readonly requesters: readonly string[];
  /** Of a `budget` gate: what approving it raises. */
  readonly ask: BudgetAsk | null;
  readonly openedAt: Date;
  readonly problem: GateProblem | null;
}

export interface Vote {
  readonly id: number;
  readonly voter: string;
  readonly role: string;
  readonly verdict: Verdict;
  readonly head: string | null;
  readonly note: string | null;
  readonly self: boolean;
  readonly via: VoteVia;
  readonly at: Date;
}

const columns = sql`gate.id, gate.repo_id as "repoId", gate.job_id as "jobId", gate.merge_request_id as "mergeRequestId",
  gate.revision_id as "revisionId", gate.kind, gate.state, gate.head, gate.title, gate.body, gate.rules,
  gate.requesters, gate.ask, gate.opened_at as "openedAt", gate.problem`;

export interface NewGate {
  readonly repoId: number;
  readonly jobId: number | null;
  readonly mergeRequestId?: number;
  readonly revisionId?: number;
  readonly kind: GateType;
  readonly head?: string;
  readonly title: string;
  readonly body: string;
  readonly rules?: readonly NamedRule[];
  readonly requesters?: readonly string[];
  readonly ask?: BudgetAsk;
  /** False: the worker was not sandboxed, so what people approve is not protected from it. */
  readonly protected?: boolean;
  /** Nobody decided by then: it ends as rejected. By the database's clock. */
  readonly expiresInMs?: number;
}

/** Opens a gate; an open one of the same job and kind is superseded, with its votes. */
export async function openGate(tx: Queryable, gate: NewGate): Promise<number> {
  if (gate.jobId !== null) {
    await tx.query(sql`
      update gate set state = 'superseded', closed_at = now()
      where state = 'open' and kind = ${gate.kind}
        and (job_id = ${gate.jobId} or merge_request_id = ${gate.mergeRequestId ?? null}::bigint)
    `);
  }
  const [row] = await tx.query<{ id: number }>(sql`
    insert into gate (repo_id, job_id, merge_request_id, revision_id, kind, head, title, body, rules, requesters, protected, ask,
      window_id, expires_at)
    values (${gate.repoId}, ${gate.jobId}, ${gate.mergeRequestId ?? null}, ${gate.revisionId ?? null}, ${gate.kind},
      ${gate.head ?? null}, ${gate.title}, ${gate.body}, ${JSON.stringify(gate.rules ?? [])}::jsonb,
      ${gate.requesters ?? []}::text[], ${gate.protected ?? true},
      ${gate.ask ? JSON.stringify(gate.ask) : null}::jsonb, ${gate.ask?.windows[0].id ?? null}::bigint,
      now() + ${gate.expiresInMs ?? null}::float8 * interval '1 millisecond')
    returning id
  `);
  if (!row) {
    throw new Error('an insert with `returning` answered no row');
  }
  await tx.query(sql`select pg_notify('gate', ${String(row.id)})`);
  return row.id;
}

/** Throws NOT_FOUND. */
export async function getGate(db: Queryable, id: number): Promise<Gate> {
  const [gate] = await db.query<Gate>(sql`select ${columns} from gate where id = ${id}`);
  if (!gate) {
    throw new AppError('NOT_FOUND', `there is no gate g_${id}`, {
      remedy: 'List what waits for people with `autodev approvals`.',
    });
  }
  return gate;
}

/** Locks an open gate until the transaction ends; undefined when it is closed. */
export async function lockOpenGate(tx: Queryable, id: number): Promise<Gate | undefined> {
  const [gate] = await tx.query<Gate>(sql`
    select ${columns} from gate where id = ${id} and state = 'open' for update
  `);
  return gate;
}

export function listOpenGatesOfJob(db: Queryable, jobId: number): Promise<Gate[]> {
  return db.query<Gate>(sql`
    select ${columns} from gate where job_id = ${jobId} and state = 'open' order by id
  `);
}

/** The newest gate of a merge request, open or not. */
export async function findLastMergeGate(
  db: Queryable,
  mergeRequestId: number,
): Promise<Gate | undefined> {
  const [gate] = await db.query<Gate>(sql`
    select ${columns} from gate
    where merge_request_id = ${mergeRequestId} and kind = 'merge' order by id desc limit 1
  `);
  return gate;
}

/** The gate that a merge request waits at, locked; undefined when none is open. */
export async function findOpenMergeGate(
  tx: Queryable,
  mergeRequestId: number,
): Promise<Gate | undefined> {
  const [gate] = await tx.query<Gate>(sql`
    select ${columns} from gate
    where merge_request_id = ${mergeRequestId} and kind = 'merge' and state = 'open' for update
  `);
  return gate;
}

/** Binds a gate to a new head; votes for the old one no longer count. */
export async function moveGate(tx: Queryable, id: number, head: string): Promise<void> {
  await tx.query(sql`update gate set head = ${head}, problem = null where id = ${id}`);
}

/**
 * Open gates that have a vote which no decision has looked at yet, or one that we failed at before. While their job still runs or publishes the
 * votes wait: what would be decided is not complete.
 */
export async function listGatesToDecide(db: Queryable, limit: number): Promise<number[]> {
  const rows = await db.query<{ id: number }>(sql`
    select g.id from gate g
    where g.state = 'open' and (
      exists (select 1 from vote v where v.gate_id = g.id and v.id > coalesce(g.decided_vote, 0))
      or ${isDueAgain('vote', sql`g.id`)})
      and not exists (select 1 from job j where j.id = g.job_id and j.state + 0 in (1, 3))
      -- There people vote where everybody sees it, and what they may is the forge's to say.
      and not (g.kind in ('run', 'merge', 'config')
        and exists (select 1 from repo r where r.id = g.repo_id and r.forge = 'gitlab'))
    order by g.id limit ${limit}
  `);
  return rows.map(({ id }) => id);
}

/** Whether the orchestrator has looked at a vote, or the gate is closed. */
export async function isVoteDecided(
  db: Queryable,
  { gateId, voteId }: { gateId: number; voteId: number },
): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from gate where id = ${gateId} and (state <> 'open' or decided_vote >= ${voteId})
  `);
  return rows.length > 0;
}

export async function insertVote(
  tx: Queryable,
  gateId: number,
  vote: Omit<Vote, 'id' | 'at'>,
): Promise<number> {
  const [row] = await tx.query<{ id: number }>(sql`
    insert into vote (gate_id, voter, role, verdict, head, note, self, via)
    values (${gateId}, ${vote.voter}, ${vote.role}, ${vote.verdict}, ${vote.head}, ${vote.note}, ${vote.self}, ${vote.via})
    returning id
  `);
  if (!row) {
    throw new Error('an insert with `returning` answered no row');
  }
  await tx.query(sql`select pg_notify('gate', ${String(gateId)})`);
  return row.id;
}

export function listVotes(db: Queryable, gateId: number): Promise<Vote[]> {
  return db.query<Vote>(sql`
    select id, voter, role, verdict, head, note, self, via, at from vote where gate_id = ${gateId} order by id
  `);
}

/** Tells whoever decides gates to look again: a job has come to where its gates can be decided. */
export async function notifyGates(db: Queryable): Promise<void> {
  await db.query(sql`select pg_notify('gate', '')`);
}

/** Remembers how far the votes were looked at, and what stood in the way of carrying the decision out. */
export async function recordDecision(
  tx: Queryable,
  gateId: number,
  { lastVote, problem }: { lastVote: number; problem?: GateProblem },
): Promise<void> {
  await tx.query(sql`
    update gate set decided_vote = ${lastVote}, problem = ${problem ? JSON.stringify(problem) : null}::jsonb
    where id = ${gateId}
  `);
  await tx.query(sql`select pg_notify('gate', ${String(gateId)})`);
}

export async function closeGate(
  tx: Queryable,
  gateId: number,
  { state, by, note }: { state: Exclude<GateState, 'open'>; by: string; note?: string },
): Promise<void> {
  await tx.query(sql`
    update gate set state = ${state}, closed_at = now(), closed_by = ${by}, note = ${note ?? null}, problem = null
    where id = ${gateId} and state = 'open'
  `);
  await tx.query(sql`select pg_notify('gate', ${String(gateId)})`);
}

/** Gates whose time is over; they end rejected, never approved. */
export async function listExpiredGates(db: Queryable, limit: number): Promise<number[]> {
  const rows = await db.query<{ id: number }>(sql`
    select g.id from gate g
    where g.state = 'open' and g.expires_at <= now() and ${isFree('gate_expiry', sql`g.id`)}
      and not exists (select 1 from job j where j.id = g.job_id and j.state + 0 in (1, 3))
    order by g.expires_at limit ${limit}
  `);
  return rows.map(({ id }) => id);
}
