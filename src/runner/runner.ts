import type { ControlBus } from '../control/control-bus.ts';
import { createHearing } from '../control/hearing.ts';
import { leaveRunner } from '../db/runners.ts';
import { createLaneQuota } from '../db/turn.ts';
import type { Wake } from '../db/wake.ts';
import { createWake } from '../db/wake.ts';
import type { Agent } from '../domain/agent.ts';
import type { Service } from '../kernel/service.ts';
import type { AttemptDeps } from './attempt.ts';
import type { ClaimDeps, RunnerSession } from './claim.ts';
import { claimJobs } from './claim.ts';
import { hasDiskRoom } from './disk-guard.ts';
import { followControls } from './follow-controls.ts';
import { holdLease, type LeaseTimes } from './lease.ts';
import { register } from './registration.ts';
import { retryLater } from './retry.ts';
import { createRunningAttempts, type RunningAttempts } from './running-attempts.ts';
import { giveBackUnanswered } from './unanswered-claim.ts';
import { workOn } from './work-on.ts';
import { prepareFolder } from './workspace-room.ts';

export interface RunnerDeps extends AttemptDeps, Omit<ClaimDeps, 'sandboxed' | keyof AttemptDeps> {
  /** Brings orders, and tells that workers said something. */
  readonly bus: Pick<ControlBus, 'listen' | 'publish'>;
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

/**
 * Claims jobs and works on them, `slots` at a time, until the signal aborts; then it ends its workers and hands their
 * jobs back, uncounted. A lease that is lost ends all workers, and the runner registers again.
 */
export function createRunner(deps: RunnerDeps): Service {
  return async (signal) => {
    await prepareFolder(deps);
    using work = await createWake({ ...deps, channel: 'job' });
    using controls = await createWake({ ...deps, db: createHearing(deps), channel: 'control' });
    while (!signal.aborted) {
      const session = await register(deps, {
        agents: deps.agents,
        providers: deps.providers.map(({ provider }) => provider.name),
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
  const loops = [
    claimLoop(deps, { session, running, work }, until),
    followControls({ ...deps, wake: controls }, session, running, until),
  ];
  const allLoops = Promise.all(loops);
  try {
    await Promise.race([allLoops, running.crashed, lease]);
  } finally {
    over.abort();
    const cause = signal.aborted ? 'shutdown' : 'lost';
    await running.stopAll(cause);
    // A claim that was under way may have started more; its workers are ended as well.
    await Promise.allSettled(loops);
    await running.stopAll(cause);
    left.abort();
    await lease;
  }
  await allLoops;
  await leaveRunner(deps.db, session).catch(retryLater(deps, signal));
}

async function claimLoop(
  deps: RunnerDeps,
  { session, running, work }: { session: RunnerSession; running: RunningAttempts; work: Wake },
  signal: AbortSignal,
): Promise<void> {
  const quota = createLaneQuota();
  let hadRoom = true;
  let answered = true;
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
      const claim = async (): ReturnType<typeof claimJobs> => {
        if (!answered) {
          await giveBackUnanswered(deps, session, running);
        }
        answered = false;
        const claimed = await claimJobs({ ...deps, sandboxed }, session, options);
        answered = true;
        return claimed;
      };
      const found = await claim().catch(retryLater(deps, signal));
      for (const claimed of found?.attempts ?? []) {
        const { id } = claimed.job;
        const start = (stop: AbortSignal): Promise<void> => workOn(deps, claimed, stop);
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
