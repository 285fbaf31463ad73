import { notifyWork } from '../db/enqueue.ts';
import { leaveRunner } from '../db/runners.ts';
import { createLaneQuota } from '../db/turn.ts';
import type { Wake } from '../db/wake.ts';
import { createWake } from '../db/wake.ts';
import type { Agent } from '../domain/agent.ts';
import { formatJobId } from '../domain/job-id.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import type { AttemptDeps } from './attempt.ts';
import { runAttempt } from './attempt.ts';
import type { ClaimDeps, ClaimedAttempt, RunnerSession } from './claim.ts';
import { claimJobs } from './claim.ts';
import { completeAttempt, handBack } from './complete.ts';
import { hasDiskRoom } from './disk-guard.ts';
import { followControls } from './follow-controls.ts';
import { holdLease, type LeaseTimes } from './lease.ts';
import { register } from './registration.ts';
import { createRunningAttempts, type RunningAttempts } from './running-attempts.ts';
import { createTranscript } from './transcript-writer.ts';
import { prepareFolder } from './workspace-room.ts';

export interface RunnerDeps extends AttemptDeps, Omit<ClaimDeps, 'sandboxed'> {
  readonly agents: readonly Agent[];
  readonly slots: number;
  readonly host: string;
  readonly pid: number;
  /** As `doctor` and gates show it; `protected` says whether workers are kept in a box. */
  readonly sandboxState: {
    readonly mode: string;
    readonly protected: boolean;
    readonly reason?: string;
  };
  readonly times: LeaseTimes;
}

const POLL_MS = 500;
const RETRY_MS = 1000;
/** How long a stop waits for the database to take jobs back; then the next start takes them itself. */
const HAND_BACK_MS = 2000;

/**
 * Claims jobs and works on them, `slots` at a time, until the signal aborts; then it ends its workers and hands their
 * jobs back, uncounted. A lease that is lost ends all workers, and the runner registers again.
 */
export function createRunner(deps: RunnerDeps): Service {
  return async (signal) => {
    await prepareFolder(deps);
    using work = await createWake({ ...deps, channel: 'job' });
    using controls = await createWake({ ...deps, channel: 'control' });
    while (!signal.aborted) {
      const session = await register(deps, {
        agents: deps.agents,
        providers: deps.providers.map(({ name }) => name),
        slots: deps.slots,
        host: deps.host,
        pid: deps.pid,
        sandbox: deps.sandboxState,
        leaseMs: deps.times.leaseMs,
      }).catch(retryLater(deps, signal));
      if (session !== undefined) {
        deps.log.info({ runner: session.id, epoch: session.epoch }, 'runner registered');
        await runSession(deps, { session, work, controls }, signal);
      }
    }
  };
}

async function runSession(
  deps: RunnerDeps,
  { session, work, controls }: { session: RunnerSession; work: Wake; controls: Wake },
  signal: AbortSignal,
): Promise<void> {
  const running = createRunningAttempts(deps.slots);
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  // The lease is kept while workers are being ended, or somebody would take jobs that are still handed back.
  const left = new AbortController();
  const lease = holdLease(deps, session, deps.times, left.signal).finally(() => over.abort());
  const loops = Promise.all([
    claimLoop(deps, { session, running, work }, until),
    followControls({ ...deps, wake: controls }, session, running, until),
  ]);
  try {
    await Promise.race([loops, running.crashed, lease]);
  } finally {
    over.abort();
    const cause = signal.aborted ? 'shutdown' : 'lost';
    await running.stopAll(cause);
    // A claim that was under way may have started more; its workers are ended as well.
    await loops;
    await running.stopAll(cause);
    left.abort();
    await lease;
  }
  await leaveRunner(deps.db, session).catch(retryLater(deps, signal));
}

async function claimLoop(
  deps: RunnerDeps,
  { session, running, work }: { session: RunnerSession; running: RunningAttempts; work: Wake },
  signal: AbortSignal,
): Promise<void> {
  const quota = createLaneQuota();
  let hadRoom = true;
  while (!signal.aborted) {
    const sequence = work.sequence();
    const { free } = running;
    const hasRoom = await hasDiskRoom(deps.folder);
    if (hasRoom !== hadRoom) {
      deps.log.warn({ hasRoom }, 'disk space for workspaces');
      hadRoom = hasRoom;
    }
    if (free > 0 && hasRoom) {
      const options = { agents: deps.agents, claim: free, lanes: quota.lanes };
      const sandboxed = deps.sandboxState.protected;
      const found = await claimJobs({ ...deps, sandboxed }, session, options).catch(
        retryLater(deps, signal),
      );
      for (const claimed of found?.attempts ?? []) {
        const { id } = claimed.job;
        const start = (at: { slot: number; stop: AbortSignal }): Promise<void> =>
          workOn(deps, claimed, at);
        running.start(id, start, () => work.poke());
      }
      // Only jobs that could not start fill a claim without filling a slot: look again at once, they are gone.
      const wasted = (found?.claimed.length ?? 0) > (found?.attempts.length ?? 0);
      if (found !== undefined && (quota.learn(free, found.claimed) || wasted)) {
        continue;
      }
    }
    await work.wait(sequence, POLL_MS, signal);
  }
}

/** One attempt from its start to its written end. Rejects only for a bug. */
async function workOn(
  deps: RunnerDeps,
  claimed: ClaimedAttempt,
  { slot, stop }: { slot: number; stop: AbortSignal },
): Promise<void> {
  const { db, clock, log } = deps;
  const { jobId, attempt, runner, epoch } = claimed.attempt;
  const fence = { jobId, attempt, runner, epoch };
  const fields = { job: formatJobId(jobId), attempt, agent: claimed.job.agent };
  // From then on nothing may be written: the lease is lost, or a stop has waited long enough for the database.
  const lost = new AbortController();
  const over = new AbortController();
  const onStop = async (): Promise<void> => {
    if (stop.reason === 'shutdown') {
      await clock.sleep(deps.graceMs + HAND_BACK_MS, over.signal);
    }
    if (stop.reason !== 'cancelled') {
      lost.abort();
    }
  };
  stop.addEventListener('abort', () => void onStop(), { once: true });
  const transcript = createTranscript({ db, clock }, fence, lost.signal);
  log.info(fields, 'attempt started');

  const result = await runAttempt(deps, { claimed, fence, transcript, slot }, stop);
  await transcript.close();
  const state = await untilWritten({ clock, log }, lost.signal, async () => {
    if (stop.aborted && stop.reason === 'shutdown' && result.failure !== undefined) {
      return (await handBack({ db }, { claimed, fence, checks: result.checks }))
        ? 'queued'
        : undefined;
    }
    const cancelled = stop.aborted && stop.reason === 'cancelled';
    const ended = cancelled ? { ...result, failure: CANCELLED } : result;
    return completeOrSaySo(deps, { claimed, fence, result: ended });
  });
  log.info({ ...fields, state, reason: result.failure?.reason }, 'attempt ended');
  if (state !== undefined) {
    await notifyWork(db).catch(retryLater({ clock, log }, lost.signal));
  }
  over.abort();
}

const CANCELLED = { reason: 'cancelled', detail: 'It was cancelled while it ran.' } as const;

/** One job whose result we cannot write, for a bug of ours, must not bring down all the others. */
async function completeOrSaySo(
  { db, clock, log }: RunnerDeps,
  completed: Parameters<typeof completeAttempt>[1],
): ReturnType<typeof completeAttempt> {
  try {
    return await completeAttempt({ db, clock }, completed);
  } catch (error) {
    if (error instanceof AppError) {
      throw error;
    }
    log.error({ err: error, job: formatJobId(completed.fence.jobId) }, 'result not written');
    const detail = 'The result could not be written.';
    const result = { ...completed.result, failure: { reason: 'internal', detail } } as const;
    return completeAttempt({ db, clock }, { ...completed, result });
  }
}

/** What an attempt came to must be in the database before anything else: tried until it is, or the lease is lost. */
async function untilWritten<T>(
  deps: Pick<RunnerDeps, 'clock' | 'log'>,
  lost: AbortSignal,
  write: () => Promise<T>,
): Promise<T | undefined> {
  for (;;) {
    if (lost.aborted) {
      return undefined;
    }
    const written = await write().then((value) => ({ value }), retryLater(deps, lost));
    if (written !== undefined) {
      return written.value;
    }
  }
}

/** For `catch`: an expected failure is logged and waited out, anything else is a bug. */
function retryLater(
  { clock, log }: { clock: Clock; log: RunnerDeps['log'] },
  signal: AbortSignal,
): (error: unknown) => Promise<undefined> {
  return async (error) => {
    if (!(error instanceof AppError) || !error.retryable) {
      throw error;
    }
    log.warn({ err: error }, 'will be tried again');
    await clock.sleep(RETRY_MS, signal);
    return undefined;
  };
}
