import type { ProviderName, ProviderSpec } from '../domain/spec.ts';
import type { ProviderEvent, ProviderVerdict, TokenUsage } from './provider-event.ts';

/** A line that a worker printed. */
export interface PrintedLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Reads one run. Never throws: what it cannot read is a warning. */
export interface ProviderParser {
  line(line: PrintedLine): readonly ProviderEvent[];
  /** Called once. Undefined as `code`: a signal ended it. */
  end(exit: {
    readonly code: number | undefined;
    readonly signal: string | undefined;
  }): ProviderVerdict;
}

/** What it costs: money by the token, a subscription's share, or nothing at all. */
type ProviderKind = 'metered' | 'subscription' | 'none';

export type Effort = 'low' | 'medium' | 'high';

/** A file of the worker's fresh HOME. `path` is relative to it; the folders above are made. */
export interface HomeFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
}

/** A file or folder of this machine that the worker's box must show, read-only, at `at`. */
export interface ProgramBind {
  readonly host: string;
  readonly at: string;
}

/** What one attempt is started with. All paths are as the worker sees them. */
export interface WorkContext {
  readonly cwd: string;
  readonly home: string;
  /** Who the worker is: its role and the repository's instructions. */
  readonly role: string;
  /** What it is to do. */
  readonly prompt: string;
  /** What `spec.model` leaves open: the price table's default. */
  readonly model?: string;
  readonly effort?: Effort;
  /** At most so many calls of the model, where the provider can count them itself. */
  readonly maxTurns?: number;
  /** The metering gateway: its address without a path, and the token that it knows this attempt by. */
  readonly gateway?: { readonly url: string; readonly token: string };
  /** An earlier attempt's session, with the file that was kept of it. */
  readonly resume?: { readonly sessionId: string; readonly file: HomeFile };
}

/** How a worker is started, in the workspace. Nothing secret is in `argv`, which the worker's processes can read. */
export interface WorkerCommand {
  /** As the box shows it. */
  readonly file: string;
  readonly argv: readonly string[];
  /** Beside PATH, HOME, LANG, TZ, TERM and what the runner sets for every worker. */
  readonly env: Readonly<Record<string, string>>;
  /** To be written into the fresh HOME before the start. */
  readonly home: readonly HomeFile[];
  /** Written to stdin, which is then closed; undefined: it is closed at once. */
  readonly stdin?: string;
  readonly programs: readonly ProgramBind[];
}

/** Whether a provider can be used on this machine. */
export type ProviderProbe =
  | {
      readonly usable: true;
      /** Program and version, for people. */
      readonly detail: string;
      /** What is not as it was measured, and what to do about it. */
      readonly warning?: string;
    }
  | { readonly usable: false; readonly reason: string; readonly remedy: string };

/** Where a session's one file is in a HOME: below `folder`, its name ending in `suffix`. */
interface SessionPlace {
  readonly folder: string;
  readonly suffix: string;
}

/** A way to have a worker's thinking done. A new one is one file and one row of the table in `main/providers.ts`. */
export interface Provider {
  readonly name: ProviderName;
  kind(spec: ProviderSpec): ProviderKind;
  /** Looks for the program and starts it once, for its version. */
  probe(signal: AbortSignal): Promise<ProviderProbe>;
  /**
   * Throws INVALID_REQUEST when `spec` or `context` lacks what this provider needs, PROVIDER_UNAVAILABLE when its
   * program is not on this machine.
   */
  buildCommand(spec: ProviderSpec, context: WorkContext): WorkerCommand;
  /** What asks its program to end; undefined: SIGTERM. */
  readonly stopSignal?: 'SIGINT';
  /** Undefined: it has no sessions to resume. */
  readonly sessionPlace?: (sessionId: string) => SessionPlace;
  newParser(spec: ProviderSpec, run?: RunFacts): ProviderParser;
}

/** What a parser cannot read from the lines. */
interface RunFacts {
  /** As in `WorkContext`. */
  readonly model?: string;
  /** What earlier runs of the resumed session have reported together: some providers count on from there. */
  readonly used?: TokenUsage;
}
