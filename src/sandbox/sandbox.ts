/** One host file or folder that a box may see. Both paths are absolute. */
interface Bind {
  /** Shows in `/proc/self/mountinfo` inside, so the folder's name must be a meaningless id. */
  readonly host: string;
  readonly at: string;
  readonly writable: boolean;
}

/** Hard limits of one box. Bytes and milliseconds; each is named by the {@link WorkerEnd} when it strikes. */
export interface BoxLimits {
  /** Memory of all processes together, shared pages counted once, without `/tmp` and mapped files. */
  readonly memoryBytes: number;
  /** Processes and threads together, as the kernel counts them. */
  readonly processes: number;
  /** One file may not grow beyond it (the write fails, nothing is killed). */
  readonly fileBytes: number;
  /** Size of `/tmp`, which is memory (a write beyond it fails). */
  readonly tmpBytes: number;
  /** stdout and stderr together. */
  readonly outputBytes: number;
  /** All writable binds and `/tmp` together. */
  readonly diskBytes: number;
  readonly wallMs: number;
  /** Where `wallMs` is what is left of a longer time that people set: that time, for messages. */
  readonly wholeWallMs?: number;
  /** Longest time without a byte of output. */
  readonly idleMs: number;
}

/** What a worker may see and use. Nothing that is not named here is inside. */
export interface BoxSpec {
  readonly binds: readonly Bind[];
  /** Unix sockets that may be connected to from inside. */
  readonly sockets: readonly { readonly host: string; readonly at: string }[];
  /** All variables the worker gets beside PATH, HOME, LANG, TZ and TERM. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory and HOME inside. */
  readonly cwd: string;
  readonly home: string;
  readonly limits: BoxLimits;
  /** A root runner starts the worker as host uid 61000 + slot; no two boxes at a time may share one. Ignored otherwise. */
  readonly hostUidSlot: number;
}

/** Readable inside as `/proc/1/cmdline`: neither a token nor a host path belongs in it. */
export interface Command {
  readonly file: string;
  readonly argv: readonly string[];
  /** Written to stdin, which is then closed. */
  readonly stdin?: string | Uint8Array;
}

/** A line of the worker's output. `cut` says that the end of an over-long line was dropped (and marked in `text`). */
export interface OutputLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly cut: boolean;
}

/** The limits that end a worker, by the names of the job's end reasons. */
export type LimitReason =
  | 'timeout_wall'
  | 'timeout_idle'
  | 'limit_memory'
  | 'limit_processes'
  | 'limit_disk'
  | 'limit_output';

/** How a worker ended. When a limit struck it is named even if the worker still managed to exit by itself. */
export type WorkerEnd =
  | { readonly reason: 'exited'; readonly code: number }
  | { readonly reason: 'signalled'; readonly signal: string }
  | { readonly reason: LimitReason; readonly message: string }
  /** Ended because of {@link SandboxedProcess.stop}. */
  | { readonly reason: 'stopped' }
  /** The box could not be made; the command never ran. */
  | { readonly reason: 'sandbox'; readonly message: string };

export interface SandboxedProcess {
  /** Host pid and start time (clock ticks since boot) of the outermost process, for the attempt's row. */
  readonly pid: number;
  readonly startTime: number;
  /** Resolves when every process of the box is gone and all output was handed over; never rejects. */
  readonly ended: Promise<WorkerEnd>;
  /** Asks the command with SIGTERM (or `signal`), and after `graceMs` kills all. Resolves with `ended`. */
  stop(options: { graceMs: number; signal?: 'SIGTERM' | 'SIGINT' }): Promise<WorkerEnd>;
}

/** Whether workers can be kept in a box here. `remedy` says which package or setting is missing. */
export type SandboxState =
  | { readonly available: true; readonly kind: 'bubblewrap' }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

/** `strict` needs a working box, `auto` may degrade where the caller allows it, `off` never makes one. */
export type SandboxMode = 'strict' | 'auto' | 'off';

/** Keeps a worker away from everything but its own files. */
export interface Sandbox {
  /** False for the degraded form, in which none of the promises of a box holds. */
  readonly isolates: boolean;
  /** Really makes a box and looks around in it. */
  probe(): Promise<SandboxState>;
  /** The path under which a command of this box finds what is bound at `inside`. Without a box that is the host's. */
  locate(box: Pick<BoxSpec, 'binds' | 'sockets'>, inside: string): string;
  /**
   * Starts a command. `onLine` is called for each line in order, at most `limits.outputBytes` in all.
   * Throws SANDBOX_UNAVAILABLE when it cannot be started at all. The process must have called
   * `closeInheritedDescriptors` when it started, or the command may hold what our parent had open.
   */
  run(
    box: BoxSpec,
    command: Command,
    onLine: (line: OutputLine) => void,
  ): Promise<SandboxedProcess>;
}
