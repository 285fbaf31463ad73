const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const IN_SPAN = /\btry again in (\d+(?:\.\d+)?)\s*(ms|s|m|h)\b/i;
const AT_TIME =
  /\b(?:try again at|resets)\s+(?:([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?,?\s+(?:at\s+)?)?(\d{1,2})(?::(\d{2}))?\s*([ap])m\b/i;

const SPAN_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: MINUTE_MS, h: 3_600_000 };

/**
 * When a limit ends, as the command-line programs say it for people: `try again in 3.1s`, `try again at 4:28 PM`,
 * `resets Jul 23rd, 2026 4:15 AM`. They print the time of their own zone, which is UTC in a box, cut to the minute:
 * the end of that minute is meant. Epoch milliseconds; undefined where nothing of the kind is said.
 */
export function resetTime(text: string, now: Date): number | undefined {
  const span = IN_SPAN.exec(text);
  if (span !== null) {
    const [, amount = '', unit = ''] = span;
    return now.getTime() + Math.ceil(Number(amount) * (SPAN_MS[unit.toLowerCase()] ?? 0));
  }
  const at = AT_TIME.exec(text);
  return at === null ? undefined : endOfMinute(at, now);
}

function endOfMinute(
  [, month, day, year, hour = '', minute = '0', half = '']: RegExpExecArray,
  now: Date,
): number | undefined {
  const hours = (Number(hour) % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  const of = (y: number, m: number, d: number): number =>
    Date.UTC(y, m, d, hours, Number(minute)) + MINUTE_MS;
  if (month === undefined) {
    const today = of(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
    return today > now.getTime() ? today : today + DAY_MS;
  }
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  if (monthIndex === -1) {
    return undefined;
  }
  const thisYear = of(Number(year ?? now.getUTCFullYear()), monthIndex, Number(day));
  return year === undefined && thisYear <= now.getTime()
    ? of(now.getUTCFullYear() + 1, monthIndex, Number(day))
    : thisYear;
}
