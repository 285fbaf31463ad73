import { add, NOTHING, type Spend } from '../../domain/budget.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Refusal } from './refusal.ts';
import { fits, type Hold, largestAffordable } from './spend-limit.ts';

export interface AccountLimits {
  /** Calls of one attempt in all, and in any minute: what is above is a loop and not work. */
  readonly calls: number;
  readonly callsPerMinute: number;
  /** Calls side by side; more wait. */
  readonly parallel: number;
}

type StopReason = 'budget' | 'calls' | 'calls_per_minute';

export type AccountEvent =
  /** Once, when the share is used up that the worker is warned at. */
  | { readonly type: 'warning'; readonly share: number; readonly spent: Spend }
  /** Once: from now on every call is refused with this sentence. */
  | { readonly type: 'stop'; readonly reason: StopReason; readonly detail: string };

/** A call that asks to be let in. */
export interface Wish {
  /** What it may come to with so much output. */
  readonly hold: (maxOutput: number) => Hold;
  readonly wantedOutput: number;
}

export interface Admission {
  readonly maxOutput: number;
  readonly hold: Hold;
  /** Ends the call: what it really came to is booked and its hold is free. Only the first time counts. */
  settle(actual: Spend): void;
}

export interface Account {
  /**
   * Waits for a place and for money that calls in flight may give back. Throws `Refusal` when there is none left, or
   * when the attempt makes too many calls; rejects with the signal's reason when the caller has gone.
   */
  admit(wish: Wish, signal: AbortSignal): Promise<Admission>;
  readonly spent: Spend;
  readonly held: Spend;
  readonly calls: number;
}

interface Waiter {
  readonly wish: Wish;
  readonly resolve: (admission: Admission) => void;
  readonly reject: (reason: unknown) => void;
}

const WARN_SHARE = 0.8;
/** An answer that is cut shorter than this helps nobody: better none, and a clear reason. */
const LEAST_OUTPUT = 2_048;
const MINUTE_MS = 60_000;
const MAX_WAITING = 128;

/** Keeps one attempt within what it was granted. Everything between two awaits is one step: no two calls share money. */
export function createAccount(
  { clock }: { clock: Clock },
  {
    grant,
    limits,
    emit,
  }: { grant: Spend; limits: AccountLimits; emit: (event: AccountEvent) => void },
): Account {
  const holds = new Set<Hold>();
  const waiting: Waiter[] = [];
  const recent: number[] = [];
  let spent = NOTHING;
  let calls = 0;
  let hasWarned = false;
  let stopped: Refusal | undefined;

  const stop = (reason: StopReason, detail: string): Refusal => {
    if (stopped === undefined) {
      stopped = new Refusal(402, detail);
      emit({ type: 'stop', reason, detail });
    }
    return stopped;
  };

  const countCall = (): void => {
    const now = clock.now().getTime();
    calls += 1;
    recent.push(now);
    recent.splice(0, recent.length - limits.callsPerMinute - 1);
    const oldest = recent[0] ?? now;
    if (calls > limits.calls) {
      throw stop('calls', `this attempt has made its ${limits.calls} calls`);
    }
    if (recent.length > limits.callsPerMinute && now - oldest < MINUTE_MS) {
      throw stop(
        'calls_per_minute',
        `more than ${limits.callsPerMinute} calls within a minute: this is a loop`,
      );
    }
  };

  const letIn = (hold: Hold, maxOutput: number): Admission => {
    holds.add(hold);
    return {
      maxOutput,
      hold,
      settle(actual) {
        if (!holds.delete(hold)) {
          return;
        }
        spent = add(spent, actual);
        if (!hasWarned && shareOf(spent, grant) >= WARN_SHARE) {
          hasWarned = true;
          emit({ type: 'warning', share: WARN_SHARE, spent });
        }
        serveWaiting();
      },
    };
  };

  /** Undefined: it has to wait. */
  const decide = ({ hold: holdFor, wantedOutput }: Wish): Admission | Refusal | undefined => {
    if (stopped !== undefined) {
      return stopped;
    }
    const affordable = (output: number): boolean => fits({ grant, spent, holds }, holdFor(output));
    if (holds.size < limits.parallel && affordable(wantedOutput)) {
      return letIn({ ...holdFor(wantedOutput) }, wantedOutput);
    }
    if (holds.size > 0) {
      return undefined;
    }
    const output = largestAffordable(
      { least: Math.min(LEAST_OUTPUT, wantedOutput), wanted: wantedOutput },
      affordable,
    );
    return output === undefined
      ? stop('budget', 'the budget of this attempt is used up')
      : letIn({ ...holdFor(output) }, output);
  };

  const serveWaiting = (): void => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const answer = decide(first.wish);
      if (answer === undefined) {
        return;
      }
      waiting.shift();
      if (answer instanceof Refusal) {
        first.reject(answer);
      } else {
        first.resolve(answer);
      }
    }
  };

  return {
    async admit(wish, signal) {
      if (stopped !== undefined) {
        throw stopped;
      }
      signal.throwIfAborted();
      countCall();
      // Who came first goes first: a small call must not starve a large one.
      const answer = waiting.length === 0 ? decide(wish) : undefined;
      if (answer instanceof Refusal) {
        throw answer;
      }
      if (answer !== undefined) {
        return answer;
      }
      if (waiting.length >= MAX_WAITING) {
        throw new Refusal(503, `${MAX_WAITING} calls of this attempt wait already`);
      }
      return new Promise((resolve, reject) => {
        const waiter = { wish, resolve, reject };
        waiting.push(waiter);
        signal.addEventListener(
          'abort',
          () => {
            const place = waiting.indexOf(waiter);
            if (place !== -1) {
              waiting.splice(place, 1);
              reject(signal.reason);
              serveWaiting();
            }
          },
          { once: true },
        );
      });
    },
    get spent() {
      return spent;
    },
    get held() {
      return [...holds].reduce((sum, { likely }) => add(sum, likely), NOTHING);
    },
    get calls() {
      return calls;
    },
  };
}

/** The larger share of the two; a unit of which nothing was granted cannot be used. */
function shareOf(spent: Spend, grant: Spend): number {
  return Math.max(spent.microUsd / grant.microUsd || 0, spent.tokens / grant.tokens || 0);
}
