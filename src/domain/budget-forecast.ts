/** What is known of one budget in one unit (micro-USD or tokens). Times in epoch milliseconds. */
export interface BudgetProgress {
  readonly spent: number;
  readonly reserved: number;
  readonly cap: number;
  /** Share of the cap (0 to 1) at which people are warned. */
  readonly warn: number;
  readonly start: number;
  readonly end: number;
  readonly now: number;
}

export interface BudgetForecast {
  /** What will be spent when the window ends, if it goes on like this. */
  readonly atEnd: number;
  /** When the cap is reached at this rate; undefined: not in this window. */
  readonly exhaustedAt: number | undefined;
  readonly state: 'ok' | 'warn' | 'exhausted';
}

/** A tenth of a window says too little: before that, its first tenth is taken to have passed. */
const LEAST_SHARE = 0.1;

/** Carries the rate so far on to the window's end. What is reserved counts as spent: it mostly will be. */
export function forecastBudget(budget: BudgetProgress): BudgetForecast {
  const { spent, reserved, cap, warn, start, end, now } = budget;
  const used = spent + reserved;
  const passedMs = Math.max(now - start, (end - start) * LEAST_SHARE);
  const perMs = used / passedMs;
  const leftMs = Math.max(0, end - now);
  const exhaustedAt = used >= cap ? now : now + (cap - used) / perMs;

  return {
    atEnd: Math.round(used + perMs * leftMs),
    exhaustedAt: exhaustedAt < end ? Math.round(exhaustedAt) : undefined,
    state: used >= cap ? 'exhausted' : used >= cap * warn ? 'warn' : 'ok',
  };
}
