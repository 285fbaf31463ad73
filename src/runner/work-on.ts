import type { ControlBus } from '../control/control-bus.ts';
import { notifyWork } from '../db/enqueue.ts';
import { formatJobId } from '../domain/job-id.ts';
import { AppError } from '../kernel/errors.ts';
import { leaseUidSlot } from '../sandbox/worker-uid.ts';
import type { AttemptDeps } from './attempt.ts';
import { runAttempt } from './attempt.ts';
import type { ClaimedAttempt } from './claim.ts';
import { completeAttempt, handBack } from './complete.ts';
import { retryLater, untilDone } from './retry.ts';
import { createTranscript } from './transcript-writer.ts';

/** How long a stop waits for the database to take jobs back; then the next start takes them itself. */
const HAND_BACK_MS = 2000;

/** One attempt from its start to its written end. Rejects only for a bug. */
export async function workOn(
  deps: AttemptDeps & { readonly bus: Pick<ControlBus, 'publish'> },
  claimed: ClaimedAttempt,
  stop: AbortSignal,
): Promise<void> {
  const { db, clock, log, bus } = deps;
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
  const transcript = createTranscript({ db, clock, bus }, fence, lost.signal);
  log.info({ ...fields, provider: claimed.provider.name }, 'attempt started');
  if (claimed.fallback) {
    const passed = claimed.spec.providers[0]?.name ?? '';
    transcript.write(
      'autodev',
      `${claimed.provider.name} takes over: ${passed} cannot be asked now.`,
    );
  }

  await using account = await leaseUidSlot();
  const { slot } = account;
  const result = await runAttempt(deps, { claimed, fence, transcript, slot }, stop);
  await transcript.close();
  // Where the job goes next depends on what its calls have shown of the keys.
  await deps.llm?.settled();
  const state = await untilDone({ clock, log }, lost.signal, async () => {
    if (stop.aborted && stop.reason === 'shutdown' && result.failure !== undefined) {
      return (await handBack({ db }, { claimed, fence, result })) ? 'queued' : undefined;
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
  deps: AttemptDeps,
  completed: Parameters<typeof completeAttempt>[1],
): ReturnType<typeof completeAttempt> {
  try {
    return await completeAttempt(deps, completed);
  } catch (error) {
    if (error instanceof AppError && error.retryable) {
      throw error;
    }
    deps.log.error({ err: error, job: formatJobId(completed.fence.jobId) }, 'result not written');
    const detail = 'The result could not be written.';
    const result = { ...completed.result, failure: { reason: 'internal', detail } } as const;
    return completeAttempt(deps, { ...completed, result });
  }
}
