import type { AttemptFence, CheckResult } from '../db/attempts.ts';
import { setAttemptProcess } from '../db/attempts.ts';
import type { Db } from '../db/db.ts';
import type { WorkerSession } from '../db/worker-sessions.ts';
import { formatJobId } from '../domain/job-id.ts';
import type { Output } from '../domain/output.ts';
import { visibleText } from '../domain/sanitize.ts';
import type { Forge } from '../forge/forge.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { type AttemptMeter, openMeter, type Spent, SPENT_NOTHING } from './attempt-meter.ts';
import type { BoxContext, Failure } from './box-run.ts';
import { runCommands } from './box-run.ts';
import type { ClaimedAttempt } from './claim.ts';
import { failureOf } from './failure-of.ts';
import { type FinishDeps, finishWork, takeTree } from './finish-work.ts';
import { handOverOf, isHandedOver } from './hand-over.ts';
import { readSession } from './kept-session.ts';
import type { LlmAccess, ProviderOffer } from './llm-access.ts';
import type { PlanDeps, PlannedWorker } from './plan-worker.ts';
import { planWorker } from './plan-worker.ts';
import { type Prepared, prepare } from './prepare-attempt.ts';
import { runWorker, type WorkerRun } from './run-worker.ts';
import type { Result } from './take-result.ts';
import { taskOf } from './task-file.ts';
import type { Transcript } from './transcript-writer.ts';
import { furnish, openRoom, type Room } from './workspace-room.ts';

export interface AttemptDeps extends FinishDeps, PlanDeps {
  readonly db: Db;
  readonly log: Log;
  readonly forge: Pick<Forge, 'fetchMirror'>;
  readonly providers: readonly ProviderOffer[];
  /** Undefined: this runner has no key for any model. */
  readonly llm?: LlmAccess | undefined;
  /** The runner's own folder on the data volume. */
  readonly folder: string;
  /** Between asking a worker to end and killing it. */
  readonly graceMs: number;
  /** How often the kernel has ended a process for want of memory so far. */
  readonly oomKills: () => number;
}

/** What an attempt came to. Nothing of it counts before `completeAttempt` has written it. */
export interface AttemptResult {
  /** `done`, or why not. */
  readonly failure: Failure | undefined;
  readonly outputs: readonly Output[];
  readonly change: Result['change'];
  readonly checks: readonly CheckResult[];
  /** The commit that it worked at. */
  readonly base: string | undefined;
  readonly spent: Spent;
  /** What a later attempt may go on with. */
  readonly session: Omit<WorkerSession, 'jobId' | 'trust'> | undefined;
  /** What the next attempt is told of this one. */
  readonly handOver: string | undefined;
}

/** One attempt as its runner holds it. */
export interface HeldAttempt {
  readonly claimed: ClaimedAttempt;
  readonly fence: AttemptFence;
  readonly transcript: Transcript;
  readonly slot: number;
}

/** What is known of an attempt so far, whatever becomes of it. */
interface Progress {
  readonly checks: CheckResult[];
  base: string | undefined;
  meter: AttemptMeter | undefined;
  session: AttemptResult['session'];
  handOver: string | undefined;
}

const STOPPED: Failure = { reason: 'cancelled', detail: 'It was stopped.' };
const MOST_DETAIL_CHARACTERS = 2000;

/**
 * The story of one attempt: workspace, setup, worker, outputs, final tree, patch check, check. It writes nothing but
 * the transcript, the process that runs and what the gateway books; never rejects.
 *
 * @param stop ends the worker, and with it the attempt
 */
export async function runAttempt(
  deps: AttemptDeps,
  held: HeldAttempt,
  stop: AbortSignal,
): Promise<AttemptResult> {
  const progress: Progress = {
    checks: [],
    base: undefined,
    meter: undefined,
    session: undefined,
    handOver: undefined,
  };
  const { failure, ...work } = await carryOut(deps, { held, progress }, stop).catch((error) => {
    // What we were doing ourselves was broken off in the middle: that is no failure of it.
    const isStopped = stop.aborted && error instanceof AppError;
    const found = isStopped ? STOPPED : failureOf(error);
    if (found.reason === 'internal') {
      const job = formatJobId(held.claimed.job.id);
      deps.log.error({ err: error, job }, 'attempt failed inside');
    }
    return { failure: found, outputs: [], change: undefined };
  });

  const spent = (await progress.meter?.close()) ?? SPENT_NOTHING;
  const { checks, base, session, handOver } = progress;
  const known = { checks, base, spent, session, handOver };
  if (failure === undefined) {
    return { failure, ...work, ...known };
  }
  // It may quote what a worker printed.
  const detail = visibleText(failure.detail).slice(0, MOST_DETAIL_CHARACTERS);
  held.transcript.write('autodev', detail);
  return { failure: { ...failure, detail }, outputs: [], change: undefined, ...known };
}

type Work = Pick<AttemptResult, 'failure' | 'outputs' | 'change'>;

function failed(failure: Failure): Work {
  return { failure, outputs: [], change: undefined };
}

async function carryOut(
  deps: AttemptDeps,
  { held, progress }: { held: HeldAttempt; progress: Progress },
  stop: AbortSignal,
): Promise<Work> {
  const { claimed, transcript } = held;
  const { repo, spec, provider: asked } = claimed;
  const offer = deps.providers.find(({ provider }) => provider.name === asked.name);
  if (offer === undefined) {
    const detail = `This runner has no provider ${asked.name}.`;
    return failed({ reason: 'provider_error', detail });
  }

  await using room = await openRoom(deps, repo);
  const prepared = await prepare(deps, { claimed, room }, stop);
  if (prepared === undefined) {
    return failed(STOPPED);
  }
  const { at, configLine } = prepared;
  progress.base = at.base;
  await using meter = openMeter(deps, { claimed, offer, transcript });
  progress.meter = meter;
  const plan = { claimed, offer, room, at, subject: prepared.subject, meter };
  const worker = await planWorker(deps, { ...plan, resumable: prepared.resumable });
  await furnishFor(deps, { held, room, prepared, worker }, stop);

  const context = boxContext(deps, { held, room, base: at.base }, stop);
  const setupFailure = await runCommands(context, {
    commands: spec.setup,
    failsAs: 'setup_failed',
    env: spec.env,
    allow: spec.network.allow,
    results: progress.checks,
  });
  if (setupFailure !== undefined) {
    return failed(setupFailure);
  }

  let run = await runWorker(context, { spec, worker, meter });
  if (run.sessionLost && worker.resumed !== undefined && run.failure !== undefined) {
    transcript.write('autodev', 'The earlier session is gone: the worker begins afresh.');
    const afresh = await planWorker(deps, { ...plan, resumable: undefined });
    run = await runWorker(context, { spec, worker: afresh, meter });
  }
  const spent = (await meter?.close()) ?? SPENT_NOTHING;
  progress.session = await sessionOf(worker, { claimed, room, run });

  const finishing = { claimed, context, at, configLine, spent, checks: progress.checks };
  const work = run.failure === undefined ? await finishWork(deps, finishing) : failed(run.failure);
  const { failure } = work;
  if (failure !== undefined && isHandedOver(failure, { kind: offer.provider.kind(asked) })) {
    const change = work.change ?? (await leftBehind(deps, finishing));
    progress.handOver = handOverOf(claimed, { failure, lastWords: run.lastWords, change });
  }
  return work;
}

async function furnishFor(
  deps: AttemptDeps,
  {
    held: { claimed, slot },
    room,
    prepared: { at },
    worker,
  }: { held: HeldAttempt; room: Room; prepared: Prepared; worker: PlannedWorker },
  stop: AbortSignal,
): Promise<void> {
  const { job } = claimed;
  const branch = job.branch ?? `autodev/${job.agent}/${job.id}`;
  const role = deps.roleOf(job.agent).instructions;
  const task = taskOf(claimed, { base: at.start, role });
  const { home } = worker.command;
  await furnish(deps, room, { ...at, branch, task, home, slot }, stop);
}

function boxContext(
  { db, clock, log, sandbox, bounds, graceMs, oomKills }: AttemptDeps,
  {
    held: { claimed, fence, transcript, slot },
    room,
    base,
  }: { held: HeldAttempt; room: Room; base: string },
  stop: AbortSignal,
): BoxContext {
  const { wallMs, idleMs, memoryBytes } = claimed.spec.limits;
  const endsAt = clock.now().getTime() + wallMs;
  return {
    clock,
    sandbox,
    room,
    transcript,
    slot,
    graceMs,
    stop,
    oomKills,
    limits: () => {
      const leftMs = Math.max(1, endsAt - clock.now().getTime());
      return { ...bounds, memoryBytes, wallMs: leftMs, wholeWallMs: wallMs, idleMs };
    },
    onProcess: async ({ pid, startTime }) => {
      await setAttemptProcess(db, fence, { base, pid, startTime }).catch((error: unknown) => {
        // It only helps a later runner to clean up; the fence is asked again at the end.
        log.warn({ err: error }, 'could not note the process of an attempt');
      });
    },
  };
}

async function sessionOf(
  { provider }: PlannedWorker,
  { claimed, room, run }: { claimed: ClaimedAttempt; room: Room; run: WorkerRun },
): Promise<AttemptResult['session']> {
  if (run.session === undefined) {
    return undefined;
  }
  const { sessionId, used } = run.session;
  const kept = await readSession(provider, { home: room.homeFolder, sessionId });
  const { model } = claimed.attempt;
  return kept && { ...kept, provider: provider.name, model, used: { ...used } };
}

/** What a worker that was broken off had changed. It is only told on, so what cannot be taken is left out. */
async function leftBehind(
  deps: FinishDeps,
  finishing: Parameters<typeof takeTree>[1],
): Promise<Result['change']> {
  if (finishing.context.stop.aborted) {
    return undefined;
  }
  const taken = await takeTree(deps, finishing, []).catch((error: unknown) => {
    if (error instanceof AppError) {
      return undefined;
    }
    throw error;
  });
  return taken?.change;
}
