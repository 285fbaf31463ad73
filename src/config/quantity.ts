/** What people write as `2M`, `$3`, `45m`, `4GiB`, `80%`, and the unit that the product counts in. */
export type QuantityKind = (typeof QUANTITY_KINDS)[number];

export const QUANTITY_KINDS = ['tokens', 'usd', 'duration', 'bytes', 'percent'] as const;

const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const TOKENS = { M: 1_000_000, k: 1000 };
const WRITTEN_TOKENS = { ...TOKENS, K: TOKENS.k, m: TOKENS.M, '': 1 };

const NUMBER = /^[0-9][0-9_]*(\.[0-9]+)?$/;

const PARSERS: Readonly<Record<QuantityKind, (text: string) => number | undefined>> = {
  tokens: (text) => whole(parseWithUnit(text, WRITTEN_TOKENS)),
  usd: (text) => whole(scale(parseNumber(text.replace(/^\$/, '')), 1_000_000)),
  duration: parseDuration,
  bytes: (text) => whole(parseWithUnit(text, BYTES)),
  percent: (text) => (text.endsWith('%') ? parseShare(text) : undefined),
};

const FORMATTERS: Readonly<Record<QuantityKind, (amount: number) => string | number>> = {
  tokens: (amount) => (amount === 0 ? 0 : withLargestUnit(amount, TOKENS, '')),
  usd: (amount) => amount / 1_000_000,
  // Nobody thinks of 30 days as of weeks.
  duration: (amount) =>
    amount === 0 ? '0s' : withLargestUnit(amount, without(DURATION_MS, 'w'), 'ms'),
  bytes: (amount) => (amount === 0 ? '0B' : withLargestUnit(amount, BYTES, 'B')),
  percent: (amount) => `${Math.round(amount * 1e8) / 1e6}%`,
};

/**
 * Reads a quantity as it stands in a file. Returns whole tokens, whole micro-USD, whole milliseconds, whole
 * bytes, or a share from 0 to 1; undefined when the text is none. Only tokens and USD may be bare numbers:
 * `45` of time or memory does not say of what.
 */
export function parseQuantity(kind: QuantityKind, value: string | number): number | undefined {
  if (typeof value === 'number' && kind !== 'tokens' && kind !== 'usd') {
    return undefined;
  }
  return PARSERS[kind](String(value).trim());
}

/** Writes a quantity as people do; `parseQuantity` reads the same number back. */
export function formatQuantity(kind: QuantityKind, amount: number): string | number {
  return FORMATTERS[kind](amount);
}

/** How a quantity is written, as a sentence. */
export function quantityRemedy(kind: QuantityKind): string {
  return {
    tokens: 'Tokens are written as 400k, 2M or 2_000_000.',
    usd: 'US dollars are written as 3, 3.50 or $3.',
    duration: 'A time is written with its unit: 30s, 45m, 12h, 7d or 1h30m.',
    bytes: 'A size is written with its unit: 512KiB, 64MiB or 4GiB.',
    percent: 'A share is written in percent: 80%.',
  }[kind];
}

function parseDuration(text: string): number | undefined {
  const parts = text.match(/[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|w)/g);
  if (parts === null || parts.join('') !== text) {
    return undefined;
  }
  const amounts = parts.map((part) => parseWithUnit(part, DURATION_MS));
  return whole(amounts.reduce((sum, amount) => add(sum, amount), 0));
}

function parseShare(text: string): number | undefined {
  const percent = parseNumber(text.slice(0, -1));
  return percent === undefined || percent > 100 ? undefined : percent / 100;
}

/** The unit is what follows the number: the longest one that fits, so that `ms` is not read as `s`. */
function parseWithUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  let unit: string | undefined;
  for (const name in units) {
    if (text.endsWith(name) && (unit === undefined || name.length > unit.length)) {
      unit = name;
    }
  }
  const factor = unit === undefined ? undefined : units[unit];
  return unit === undefined || factor === undefined
    ? undefined
    : scale(parseNumber(text.slice(0, text.length - unit.length)), factor);
}

function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text.replaceAll('_', '')) : undefined;
}

function scale(amount: number | undefined, factor: number): number | undefined {
  return amount === undefined ? undefined : amount * factor;
}

function add(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

/** Rounded, because 0.1 MiB is no whole number of bytes; undefined beyond what a number holds exactly. */
function whole(amount: number | undefined): number | undefined {
  const rounded = amount === undefined ? Number.NaN : Math.round(amount);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}

function withLargestUnit(
  amount: number,
  units: Readonly<Record<string, number>>,
  smallest: string,
): string | number {
  const [unit, factor] = Object.entries(units)
    .sort(([, a], [, b]) => b - a)
    .find(([, size]) => amount % size === 0) ?? [smallest, 1];
  return unit === '' ? amount : `${amount / factor}${unit}`;
}

function without<T extends object, K extends keyof T>(units: T, unit: K): Omit<T, K> {
  const { [unit]: _, ...rest } = units;
  return rest;
}
