import type { Agent } from './agent.ts';

/** How many hand-offs may follow each other from one root job, and how many jobs one job may start. */
export const MOST_DEPTH = 3;
const MOST_CHILDREN = 3;

/** One job on the way from the root to the one that hands off, that one included. */
export interface ChainLink {
  readonly agent: Agent;
  /** The commit that it worked at; undefined where there was none. */
  readonly head: string | undefined;
}

export type HandOffVerdict =
  | { readonly ok: true; readonly depth: number }
  | {
      readonly ok: false;
      readonly code: 'too_deep' | 'too_many' | 'cycle';
      readonly message: string;
    };

/**
 * Whether a job may hand work on. The chain may be three hand-offs long, a job may have three children, and an
 * agent that has already worked at the very same commit in this chain would only do the same again.
 *
 * @param chain from the root job to the one that hands off; its length is that job's depth + 1
 * @param children jobs that it has started already
 */
export function checkHandOff({
  to,
  head,
  chain,
  children,
}: {
  to: Agent;
  head: string | undefined;
  chain: readonly ChainLink[];
  children: number;
}): HandOffVerdict {
  const depth = chain.length;
  if (depth > MOST_DEPTH) {
    return {
      ok: false,
      code: 'too_deep',
      message: `The work was already handed on ${MOST_DEPTH} times; a person may start the next job.`,
    };
  }
  if (children >= MOST_CHILDREN) {
    return {
      ok: false,
      code: 'too_many',
      message: `A job may hand work to ${MOST_CHILDREN} others at most.`,
    };
  }
  if (head !== undefined && chain.some((link) => link.agent === to && link.head === head)) {
    return {
      ok: false,
      code: 'cycle',
      message: `The ${to} has already worked at ${head.slice(0, 12)} in this chain.`,
    };
  }
  return { ok: true, depth };
}
