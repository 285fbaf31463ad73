import { join } from 'node:path';

import type { CheckResult } from '../db/attempts.ts';
import type { EndReason } from '../domain/end-reason.ts';
import type { Clock } from '../kernel/clock.ts';
import { withEgress } from '../sandbox/bridge.ts';
import { openEgressProxy, systemResolver } from '../sandbox/egress.ts';
import type {
  BoxLimits,
  BoxSpec,
  Command,
  OutputLine,
  Sandbox,
  SandboxedProcess,
  WorkerEnd,
} from '../sandbox/sandbox.ts';
import type { Transcript } from './transcript-writer.ts';
import type { Room } from './workspace-room.ts';

/** Why an attempt came to nothing; `detail` is for people. */
export interface Failure {
  readonly reason: EndReason;
  readonly detail: string;
  /** Where a provider said when it can be asked again: epoch milliseconds. */
  readonly freeAt?: number;
}

/** What all boxes of one attempt have in common. */
export interface BoxContext {
  readonly clock: Clock;
  readonly sandbox: Sandbox;
  readonly room: Room;
  readonly transcript: Transcript;
  readonly slot: number;
  readonly graceMs: number;
  /** Ends what runs: asked first, killed after `graceMs`. */
  readonly stop: AbortSignal;
  /** What is left of the attempt's time when a box starts. */
  limits(): BoxLimits;
  /** How often the kernel has ended a process for want of memory so far. */
  oomKills(): number;
  /** Notes the process before anything else waits for it. */
  onProcess(process: SandboxedProcess): Promise<void>;
}

const EGRESS_BYTES = 2 * 1024 * 1024 * 1024;
const DEFAULT_PORT = 443;

/** The box of this attempt's commands; `programs` are what it shows beside the attempt's own folders. */
export function boxOf(
  context: BoxContext,
  env: Readonly<Record<string, string>>,
  programs: BoxSpec['binds'] = [],
): BoxSpec {
  const { room, slot } = context;
  const { cwd, home } = room;
  const binds = [...room.binds, ...programs];
  return { binds, sockets: [], env, cwd, home, limits: context.limits(), hostUidSlot: slot };
}

/**
 * Runs a command to its end, or to ours when the attempt is stopped. What it prints goes to the transcript as it is,
 * or to `onLine`.
 *
 * @param signal how it is asked to end
 */
export async function runInBox(
  context: BoxContext,
  {
    box,
    command,
    signal = 'SIGTERM',
  }: { box: BoxSpec; command: Command; signal?: 'SIGTERM' | 'SIGINT' },
  onLine: (line: OutputLine) => void = ({ stream, text }) => context.transcript.write(stream, text),
): Promise<WorkerEnd> {
  const { sandbox, stop, graceMs } = context;
  if (stop.aborted) {
    return { reason: 'stopped' };
  }
  const killedBefore = context.oomKills();
  const running = await sandbox.run(box, command, onLine);
  const end = (): void => void running.stop({ graceMs, signal });
  stop.addEventListener('abort', end, { once: true });
  try {
    await context.onProcess(running);
    if (stop.aborted) {
      end();
    }
    const ended = await running.ended;
    return wasKilled(ended) && context.oomKills() > killedBefore ? OUT_OF_MEMORY : ended;
  } finally {
    stop.removeEventListener('abort', end);
  }
}

const OUT_OF_MEMORY = {
  reason: 'limit_memory',
  message: 'was ended by the kernel, because the memory of this machine ran out',
} as const satisfies WorkerEnd;

/** A shell's way to say SIGKILL, and that of the first process of a box. */
const KILLED = 128 + 9;

/** By nobody of ours: a limit or a stop of ours has its own name. */
function wasKilled(end: WorkerEnd): boolean {
  return end.reason === 'exited' ? end.code === KILLED : end.reason === 'signalled';
}

/** An end that is no exit: a limit, a signal, no box. Undefined where the command came to its own end. */
export function failureOfEnd(end: WorkerEnd): Failure | undefined {
  if (end.reason === 'exited') {
    return undefined;
  }
  if (end.reason === 'signalled') {
    return { reason: 'crashed', detail: `The program was ended by ${end.signal}.` };
  }
  return end.reason === 'stopped'
    ? { reason: 'cancelled', detail: 'It was stopped.' }
    : { reason: end.reason, detail: `The worker ${end.message}.` };
}

/**
 * Runs shell commands one after the other in the workspace until one fails. `results` gets what each came to.
 * `allow` names the hosts that they may reach, for `setup` alone.
 */
export async function runCommands(
  context: BoxContext,
  {
    commands,
    failsAs,
    env,
    allow = [],
    results,
  }: {
    commands: readonly string[];
    failsAs: 'setup_failed' | 'check_failed';
    env: Readonly<Record<string, string>>;
    allow?: readonly string[];
    results: CheckResult[];
  },
): Promise<Failure | undefined> {
  if (commands.length === 0) {
    return undefined;
  }
  await using egress = await openEgress(context, allow);
  for (const text of commands) {
    context.transcript.write('autodev', `$ ${text}`);
    const startedAt = context.clock.now().getTime();
    const plain = {
      box: boxOf(context, env),
      command: { file: '/bin/sh', argv: ['-c', text] },
    };
    const { socketPath } = egress;
    const end = await runInBox(
      context,
      socketPath === undefined ? plain : withEgress(context.sandbox, socketPath, plain),
    );
    const exit = end.reason === 'exited' ? end.code : -1;
    results.push({ command: text, exit, ms: context.clock.now().getTime() - startedAt });
    const failure = failureOfEnd(end);
    if (failure !== undefined) {
      return failure;
    }
    if (exit !== 0) {
      return { reason: failsAs, detail: `\`${text}\` ended with code ${exit}.` };
    }
  }
  return undefined;
}

async function openEgress(
  { clock, room, transcript }: BoxContext,
  allow: readonly string[],
): Promise<AsyncDisposable & { readonly socketPath: string | undefined }> {
  if (allow.length === 0) {
    return { socketPath: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const socketPath = join(room.own, 'e');
  const proxy = await openEgressProxy(
    { clock, ...systemResolver },
    {
      socketPath,
      allow: allow.map(hostAndPort),
      maxBytes: EGRESS_BYTES,
      onRequest: ({ target, verdict, bytesDown }) =>
        transcript.write('autodev', `network: ${target} ${verdict}, ${bytesDown} bytes`),
    },
  );
  return { socketPath, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

function hostAndPort(entry: string): { host: string; port: number } {
  const [host = '', port] = entry.toLowerCase().split(':');
  return { host, port: port === undefined ? DEFAULT_PORT : Number(port) };
}
