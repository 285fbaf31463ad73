import type { AgentSpec } from '../domain/spec.ts';
import type { ProviderVerdict, TokenUsage } from '../llm/provider-event.ts';
import { addUsage, NO_TOKENS } from '../llm/usage-since.ts';
import { withLlm } from '../sandbox/bridge.ts';
import type { WorkerEnd } from '../sandbox/sandbox.ts';
import type { AttemptMeter } from './attempt-meter.ts';
import { boxOf, type BoxContext, type Failure, failureOfEnd, runInBox } from './box-run.ts';
import { loopWatch } from './loop-watch.ts';
import type { PlannedWorker } from './plan-worker.ts';
import { sayEvent } from './say-event.ts';

/** How a worker's run went. */
export interface WorkerRun {
  readonly failure: Failure | undefined;
  /** What a later attempt may go on with. */
  readonly session: { readonly sessionId: string; readonly used: TokenUsage } | undefined;
  /** What it said last, for whoever goes on with its work. */
  readonly lastWords: string;
  /** The session that it was to go on with is not there, and nothing has happened: it may begin afresh. */
  readonly sessionLost: boolean;
}

const LAST_WORDS = 4000;

/** Runs a planned worker in its box, with its model at hand, until it ends or is ended. */
export async function runWorker(
  context: BoxContext,
  {
    spec,
    worker,
    meter,
  }: { spec: Pick<AgentSpec, 'env'>; worker: PlannedWorker; meter: AttemptMeter | undefined },
): Promise<WorkerRun> {
  const { room, transcript, sandbox } = context;
  const { provider, command, programs, resumed } = worker;
  const parser = worker.newParser();
  const loops = loopWatch();
  const looping = new AbortController();
  let circle: string | undefined;
  let sessionId: string | undefined;
  let used = resumed?.used ?? NO_TOKENS;
  let lastWords = '';

  const variables = {
    ...spec.env,
    AUTODEV_TASK_FILE: room.taskFile,
    AUTODEV_OUTPUTS: room.outputsFile,
  };
  const box = boxOf(context, { ...variables, ...command.env }, programs);
  const plain = {
    box,
    command: {
      file: sandbox.locate(box, command.file),
      argv: command.argv,
      ...(command.stdin !== undefined && { stdin: command.stdin }),
    },
  };
  const start = meter && sandbox.isolates ? withLlm(meter.address, plain) : plain;
  const stop = AbortSignal.any([context.stop, looping.signal, ...(meter ? [meter.stopped] : [])]);
  const { stopSignal } = provider;
  const end = await runInBox(
    { ...context, stop },
    { ...start, ...(stopSignal && { signal: stopSignal }) },
    (line) => {
      const events = parser.line(line);
      if (line.stream === 'stderr') {
        transcript.write('stderr', line.text);
      }
      for (const event of events) {
        if (event.type === 'started') {
          ({ sessionId } = event);
        } else if (event.type === 'usage') {
          used = addUsage(used, event);
        } else if (event.type === 'text') {
          lastWords = `${lastWords}\n${event.text}`.slice(-LAST_WORDS);
        }
        if (line.stream === 'stdout') {
          for (const said of sayEvent(event)) {
            transcript.write(said.stream, said.text);
          }
        }
        circle ??= loops.see(event);
        if (circle !== undefined) {
          looping.abort();
        }
      }
    },
  );

  const verdict = parser.end(exitOf(end));
  const looped: Failure | undefined =
    circle === undefined ? undefined : { reason: 'loop', detail: circle };
  return {
    failure: failureOf({ end, looped, verdict, metered: meter?.failure() }, context.stop),
    session: sessionId === undefined ? undefined : { sessionId, used },
    lastWords: lastWords.trim(),
    sessionLost: verdict.type === 'failed' && verdict.sessionLost === true,
  };
}

/**
 * What a run came to, by who knows it best: whoever stopped it, a limit that struck, our own gateway, and only then
 * what the worker says of itself.
 */
function failureOf(
  {
    end,
    looped,
    verdict,
    metered,
  }: {
    end: WorkerEnd;
    looped: Failure | undefined;
    verdict: ProviderVerdict;
    metered: Failure | undefined;
  },
  stop: AbortSignal,
): Failure | undefined {
  const isOwnEnd = end.reason === 'exited' || end.reason === 'signalled';
  const ended = failureOfEnd(end);
  if (!isOwnEnd && (end.reason !== 'stopped' || stop.aborted)) {
    return ended;
  }
  if (metered !== undefined && (isFinal(metered) || verdict.type === 'failed')) {
    return metered;
  }
  if (looped !== undefined) {
    return looped;
  }
  if (verdict.type === 'failed') {
    return verdict;
  }
  return end.reason === 'exited' ? undefined : ended;
}

/** The gateway let no further call through: what the worker did without them is not its whole work. */
function isFinal({ reason }: Failure): boolean {
  return reason === 'budget' || reason === 'limit_turns' || reason === 'loop';
}

function exitOf(end: WorkerEnd): { code: number | undefined; signal: string | undefined } {
  if (end.reason === 'exited') {
    return { code: end.code, signal: undefined };
  }
  return { code: undefined, signal: end.reason === 'signalled' ? end.signal : 'SIGTERM' };
}
