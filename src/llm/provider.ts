import type { EndReason } from '../domain/end-reason.ts';
import type { ProviderName, ProviderSpec } from '../domain/spec.ts';

/**
 * What happens in a worker, in the words of all providers. `done` and `failed` come once, last, from `end`.
 * Times are epoch milliseconds.
 */
type ProviderEvent =
  | { readonly type: 'started' }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool'; readonly name: string; readonly ok: boolean }
  | { readonly type: 'usage'; readonly input: number; readonly output: number }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'retrying'; readonly text: string }
  | { readonly type: 'rateLimited'; readonly until: number | undefined }
  | { readonly type: 'authError'; readonly text: string }
  | { readonly type: 'overloaded' }
  | ProviderVerdict;

/** How a worker came out. `detail` is one sentence for people. */
type ProviderVerdict =
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly reason: EndReason; readonly detail: string };

/** A line that a worker printed. */
interface PrintedLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

interface ProviderParser {
  line(line: PrintedLine): readonly ProviderEvent[];
  /** Undefined as `code`: a signal ended it. */
  end(exit: {
    readonly code: number | undefined;
    readonly signal: string | undefined;
  }): ProviderVerdict;
}

/** What it costs: money by the token, a subscription's share, or nothing at all. */
type ProviderKind = 'metered' | 'subscription' | 'none';

/** A way to have a worker's thinking done. A new one is one file and one row of the table in `main`. */
export interface Provider {
  readonly name: ProviderName;
  kind(spec: ProviderSpec): ProviderKind;
  /** Whether it can be used on this machine, and if not, what to do. */
  probe(): Promise<{ readonly usable: true } | { readonly usable: false; readonly remedy: string }>;
  /** The program that is started in the workspace. Throws INVALID_REQUEST when `spec` names none. */
  buildCommand(spec: ProviderSpec): { readonly file: string; readonly argv: readonly string[] };
  newParser(spec: ProviderSpec): ProviderParser;
}
