import type { NewAttempt } from '../db/attempts.ts';
import { insertAttempts } from '../db/attempts.ts';
import { askForBudget } from '../db/budget-gates.ts';
import type { Db, Queryable } from '../db/db.ts';
import { listChainStarts } from '../db/job-chain.ts';
import type { JobRow } from '../db/job-rows.ts';
import type { Repo } from '../db/repos.ts';
import { getRepo } from '../db/repos.ts';
import type { RevisionInForce } from '../db/revisions.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { AttemptEnd } from '../db/turn.ts';
import { forgetClaims, turn } from '../db/turn.ts';
import type { Agent } from '../domain/agent.ts';
import { MOST_UNCOUNTED } from '../domain/attempt-outcome.ts';
import type { FleetBudget } from '../domain/budget-caps.ts';
import { formatJobId } from '../domain/job-id.ts';
import type { AgentSpec, ProviderSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { credentialStates } from './credential-states.ts';
import type { LlmAccess, ProviderOffer } from './llm-access.ts';
import { planAttempt, type PolicyVerdict } from './plan-attempt.ts';
import { keepToOneProbe, startProbes } from './probe-lanes.ts';
import { reserveAll, type Reserved, type ReservationWish } from './reserve.ts';

/** Today's policy over an agent of a repository; where ops say nothing, `spec` as it is. */
type Policy = (asked: { repo: Repo; agent: Agent; spec: AgentSpec }) => PolicyVerdict;

export interface ClaimDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly zoneOffset: ZoneOffset;
  readonly policy: Policy;
  /** What ops say today over the fleet, and over groups that a repository is one of; left out: nothing. */
  readonly fleetBudgets?: (repo: Repo) => readonly FleetBudget[];
  readonly providers: readonly ProviderOffer[];
  readonly llm?: LlmAccess | undefined;
  readonly sandboxed: boolean;
}

/** One registration of a runner: a number and its epoch. */
export interface RunnerSession {
  readonly id: number;
  readonly epoch: number;
}

/** A claimed job with its attempt row written: the runner that got it may start. */
export interface ClaimedAttempt {
  readonly job: JobRow;
  readonly repo: Repo;
  readonly revision: RevisionInForce;
  readonly spec: AgentSpec;
  readonly provider: ProviderSpec;
  readonly attempt: NewAttempt;
  /** Whether a provider that its agent has rather was passed over. */
  readonly fallback: boolean;
  /** No model is behind its provider: the same inputs give the same outputs again. */
  readonly deterministic: boolean;
}

interface Candidate extends ReservationWish {
  readonly repo: Repo;
  readonly revision: RevisionInForce;
  readonly provider: ProviderSpec;
  readonly fallback: boolean;
  readonly model: string | undefined;
  /** When nothing more is begun for its root job. Epoch milliseconds. */
  readonly lifetimeEnd: number;
}

/**
 * Claims up to `claim` jobs in one transaction and writes their attempts with their reservations. What cannot
 * start (no budget, no provider, agent gone) goes back or ends in the same transaction, as if it had never run.
 */
export function claimJobs(
  deps: ClaimDeps,
  session: RunnerSession,
  { agents, claim, lanes }: { agents: readonly Agent[]; claim: number; lanes: number },
): Promise<{ claimed: JobRow[]; attempts: ClaimedAttempt[] }> {
  const { db, clock, zoneOffset } = deps;
  return db.transaction(async (tx) => {
    const runner = { runner: session.id, epoch: session.epoch, agents };
    const { claimed } = await turn(tx, { ...runner, ends: [], claim, lanes });
    if (claimed.length === 0) {
      return { claimed, attempts: [] };
    }
    const { free, kept, probes } = await keepToOneProbe(tx, claimed);
    const { candidates, ends } = await planAll(deps, tx, free);
    ends.push(...kept);
    const now = clock.now().getTime();
    const reserved = await reserveAll(tx, candidates, { now, zoneOffset });
    const attempts: ClaimedAttempt[] = [];
    for (const [i, candidate] of candidates.entries()) {
      const answer = reserved[i];
      if (answer !== undefined && 'grant' in answer) {
        attempts.push(attemptOf(deps, session, candidate, answer));
      } else if (answer !== undefined) {
        ends.push(await withoutBudget(tx, candidate, answer, now));
      }
    }
    if (attempts.length > 0) {
      await insertAttempts(
        tx,
        attempts.map(({ attempt }) => attempt),
      );
    }
    if (ends.length > 0) {
      // Their jobs, lanes and slots are locked by the claim above, so this waits for nobody.
      await turn(tx, { ...runner, ends, claim: 0, lanes: 0 });
      // However often a job is looked at, that is no attempt. A provider that rests is one: it may do so ten times.
      const waits = ends.filter(({ state, waitReason }) =>
        state === 'waiting' ? waitReason !== 'cooldown' : state === 'queued',
      );
      await forgetClaims(
        tx,
        waits.map(({ id }) => id),
      );
    }
    await startProbes(
      tx,
      attempts.map(({ job }) => job).filter(({ id }) => probes.has(id)),
    );
    return { claimed, attempts };
  });
}

async function planAll(
  deps: ClaimDeps,
  tx: Queryable,
  jobs: readonly JobRow[],
): Promise<{ candidates: Candidate[]; ends: AttemptEnd[] }> {
  const { policy, clock, log } = deps;
  const now = clock.now().getTime();
  const stateOf = await credentialStates(deps, tx);
  const starts = await listChainStarts(tx, jobs);
  const candidates: Candidate[] = [];
  const ends: AttemptEnd[] = [];
  const known = new Map<number, RepoInForce>();
  for (const job of jobs) {
    const end = { id: job.id, attempt: job.attempts, uncounted: true };
    const at = known.get(job.repoId) ?? (await lookUp(tx, job.repoId));
    if (at === undefined) {
      const detail = 'Its repository is no longer registered.';
      ends.push({ ...end, state: 'cancelled', reason: 'cancelled', detail });
      continue;
    }
    known.set(job.repoId, at);
    const since = starts.get(job.id) ?? job.createdAt;
    const { lifetimeMs = Infinity } = at.revision?.spec.agents[job.agent]?.limits ?? {};
    const lifetimeEnd = since.getTime() + lifetimeMs;
    if (starts.has(job.id) && now >= lifetimeEnd) {
      const detail = `What it follows from began more than limits.lifetime ago, at ${since.toISOString()}.`;
      ends.push({ ...end, state: 'failed', reason: 'lifetime', detail });
      continue;
    }
    const plan = planAttempt({
      agent: job.agent,
      trigger: job.trigger,
      revision: at.revision?.spec,
      stateOf,
      policy: (spec) => policy({ repo: at.repo, agent: job.agent, spec }),
      now,
      seed: `${job.id}#${job.attempts}`,
    });
    if ('run' in plan && at.revision !== undefined) {
      const { repo, revision } = at;
      const facts = providerFacts(deps, plan.run.provider);
      const fleetBudgets = deps.fleetBudgets?.(repo) ?? [];
      const of = { job, repo, revision, repoSpec: revision.spec, lifetimeEnd, fleetBudgets };
      candidates.push({ ...of, ...plan.run, ...facts });
    } else if ('cancel' in plan) {
      ends.push({ ...end, state: 'cancelled', reason: 'cancelled', detail: plan.cancel });
    } else if ('wait' in plan) {
      const { wait: waitReason, reason, detail } = plan;
      ends.push(
        now + plan.afterMs < lifetimeEnd &&
          (waitReason !== 'cooldown' || job.uncounted < MOST_UNCOUNTED)
          ? {
              ...end,
              state: 'waiting',
              reason,
              detail,
              waitReason,
              wakeAt: new Date(now + plan.afterMs),
            }
          : { ...end, state: 'failed', reason, detail },
      );
      log.info({ job: formatJobId(job.id), detail }, 'claimed job cannot run here');
    }
  }
  return { candidates, ends };
}

/** What is behind a provider: whether it costs anything, and which model answers. */
function providerFacts(
  { providers, llm }: ClaimDeps,
  asked: ProviderSpec,
): Pick<Candidate, 'spends' | 'model'> {
  const offer = providers.find(({ provider }) => provider.name === asked.name);
  const model = asked.model ?? (offer?.api && llm?.defaultModels[offer.api]);
  return { spends: offer?.provider.kind(asked) !== 'none', model };
}

interface RepoInForce {
  readonly repo: Repo;
  readonly revision: RevisionInForce | undefined;
}

/** Undefined for a repository that was removed while its job was queued. */
async function lookUp(tx: Queryable, repoId: number): Promise<RepoInForce | undefined> {
  try {
    return {
      repo: await getRepo(tx, repoId),
      revision: await findRevisionInForce(tx, repoId),
    };
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_FOUND') {
      return undefined;
    }
    throw error;
  }
}

function attemptOf(
  { sandboxed }: ClaimDeps,
  session: RunnerSession,
  { job, repo, revision, spec, provider, model, fallback, spends }: Candidate,
  { grant, windows }: Extract<Reserved, { grant: unknown }>,
): ClaimedAttempt {
  const attempt: NewAttempt = {
    jobId: job.id,
    attempt: job.attempts,
    runner: session.id,
    epoch: session.epoch,
    provider: provider.name,
    model: model ?? null,
    spec,
    digest: revision.digest,
    revisionId: revision.id,
    sandboxed,
    reservedMicroUsd: grant.microUsd,
    reservedTokens: grant.tokens,
    windows,
  };
  return { job, repo, revision, spec, provider, fallback, attempt, deterministic: !spends };
}

/**
 * What becomes of a job that no budget has room for. Where people may be asked it waits for them; a window that ends
 * meanwhile answers too, and nobody waits beyond the job's own lifetime.
 */
async function withoutBudget(
  tx: Queryable,
  { job, lifetimeEnd, repoSpec: { approvals } }: Candidate,
  { wait, onExhausted, ask }: Extract<Reserved, { wait: unknown }>,
  now: number,
): Promise<AttemptEnd> {
  const end = { id: job.id, attempt: job.attempts, reason: 'budget', uncounted: true } as const;
  const failed = { ...end, state: 'failed', detail: wait.reason } as const;
  const waiting = { ...end, state: 'waiting', waitReason: 'budget' } as const;
  const windowEnd = wait.wait === 'budget' ? wait.until : Number.POSITIVE_INFINITY;
  const wakeAt = windowEnd < lifetimeEnd ? { wakeAt: new Date(windowEnd) } : undefined;
  const isHeld = wait.wait === 'budget' && wait.held;
  if (now >= lifetimeEnd || (onExhausted === 'fail' && !isHeld)) {
    return failed;
  }
  if (isHeld) {
    // Whoever ends an attempt wakes those who wait for what it leaves.
    return { ...waiting, wakeAt: new Date(Math.min(windowEnd, lifetimeEnd)), detail: wait.reason };
  }
  if (onExhausted === 'question') {
    const until = Math.min(windowEnd, lifetimeEnd);
    const question = { job, approvals, ask, reason: wait.reason, until, now };
    if (await askForBudget(tx, question)) {
      const detail = `${wait.reason} People are asked to raise it.`;
      return { ...waiting, ...wakeAt, detail };
    }
  }
  // Out of its root job's own budget, and no window will end that; or the window ends too late for this job.
  return wakeAt ? { ...waiting, ...wakeAt, detail: wait.reason } : failed;
}
