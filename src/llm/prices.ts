/** Whose tokens cost something: the providers of policy's `prices`. */
export type PricedProvider = 'codex' | 'claude';

/** Of one model, in micro-USD per million tokens: whole numbers, so that sums are exact. */
export interface Price {
  readonly input: number;
  /** Input that was read from the provider's cache. */
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
  /** A request with more input than this is billed as a whole at another rate. */
  readonly long?: {
    readonly aboveTokens: number;
    readonly inputPercent: number;
    readonly outputPercent: number;
  };
}

export interface PriceRow extends Price {
  readonly provider: PricedProvider;
  /** A model's name; one `*` at the end stands for any rest. */
  readonly model: string;
  /** First day (UTC) on which it holds, `YYYY-MM-DD`. */
  readonly from: string;
}

/** Later rows win over earlier ones of the same model and day. */
export type PriceTable = readonly PriceRow[];

/** Tokens of one or many calls. The four never overlap: `input` is what was neither read from nor written to a cache. */
export interface TokenCount {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
}

export const NO_TOKENS: TokenCount = { input: 0, cached: 0, cacheWrite: 0, output: 0 };

/** Prices are per so many tokens. */
const PER_TOKENS = 1_000_000;

/**
 * What a model costs at a time: of the rows that hold then, the one that names it most exactly, then the newest.
 * A model that no row names costs what the dearest one of its provider does, and `estimated` says so.
 *
 * @param at epoch milliseconds
 */
export function priceOf(
  table: PriceTable,
  { provider, model, at }: { provider: PricedProvider; model: string; at: number },
): { readonly price: Price; readonly estimated: boolean } {
  const today = new Date(at).toISOString().slice(0, 10);
  const inForce = table.filter((row) => row.provider === provider && row.from <= today);
  let best: PriceRow | undefined;
  for (const row of inForce) {
    if (names(row.model, model) && (best === undefined || !isBefore(row, best))) {
      best = row;
    }
  }
  return best === undefined
    ? { price: dearest(inForce), estimated: true }
    : { price: best, estimated: false };
}

/** In micro-USD, rounded up once: never less than what the provider bills. */
export function costOf(tokens: TokenCount, price: Price): number {
  const { input, cached, cacheWrite, output } = tokens;
  const isLong = price.long !== undefined && input + cached + cacheWrite > price.long.aboveTokens;
  const inputPercent = isLong ? price.long.inputPercent : 100;
  const outputPercent = isLong ? price.long.outputPercent : 100;
  const inputCost = input * price.input + cached * price.cached + cacheWrite * price.cacheWrite;
  const hundredfold = inputCost * inputPercent + output * price.output * outputPercent;
  return Math.ceil(hundredfold / (PER_TOKENS * 100));
}

/**
 * What counts against limits of tokens. What is read from a cache does not: each call of a conversation sends all of
 * it again, and a limit would then bound its length squared instead of its work. Its price is in `costOf`.
 */
export function countedTokens({ input, cacheWrite, output }: TokenCount): number {
  return input + cacheWrite + output;
}

export function addTokens(a: TokenCount, b: TokenCount): TokenCount {
  return {
    input: a.input + b.input,
    cached: a.cached + b.cached,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    output: a.output + b.output,
  };
}

function names(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}

/** Whether `a` says less about a model that both name: less exact, or older. */
function isBefore(a: PriceRow, b: PriceRow): boolean {
  const exactness = exactnessOf(a.model) - exactnessOf(b.model);
  return exactness === 0 ? a.from < b.from : exactness < 0;
}

function exactnessOf(pattern: string): number {
  return pattern.endsWith('*') ? pattern.length - 1 : Number.POSITIVE_INFINITY;
}

/** The highest of each kind, and of the long rates: no model that we know costs more. */
function dearest(rows: readonly PriceRow[]): Price {
  const most = (pick: (row: PriceRow) => number): number => Math.max(0, ...rows.map(pick));
  const longInput = (row: PriceRow): number => (row.long?.inputPercent ?? 100) / 100;
  const longOutput = (row: PriceRow): number => (row.long?.outputPercent ?? 100) / 100;
  return {
    input: Math.ceil(most((row) => row.input * longInput(row))),
    cached: Math.ceil(most((row) => row.cached * longInput(row))),
    cacheWrite: Math.ceil(most((row) => row.cacheWrite * longInput(row))),
    output: Math.ceil(most((row) => row.output * longOutput(row))),
  };
}
