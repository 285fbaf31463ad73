import { addDays, addMonths, daysBetween, endOfMonth, nextBusinessDay } from './calendar.js';
import { percent } from './money.js';

/**
 * `net 30`, `2/10 net 30` (2 % off when paid within 10 days), `eom` (end of next month) or `on receipt`.
 * Returns `{ kind, days, discount: { rate, days } | null }`.
 */
export function parseTerms(text) {
  const terms = text.trim().toLowerCase();
  if (terms === 'on receipt') {
    return { kind: 'net', days: 0, discount: null };
  }
  if (terms === 'eom') {
    return { kind: 'eom', days: 0, discount: null };
  }
  const match = /^(?:(\d+)\/(\d+) )?net (\d+)$/.exec(terms);
  if (!match) {
    throw new TypeError(`unknown payment terms: ${text}`);
  }
  const [, rate, within, days] = match;
  const discount = rate ? { rate: Number(rate), days: Number(within) } : null;
  return { kind: 'net', days: Number(days), discount };
}

/** A due day that is no working day moves to the next one. */
export function dueDay(issued, terms, holidays = []) {
  const { kind, days } = parseTerms(terms);
  const nominal = kind === 'eom' ? endOfMonth(addMonths(issued, 1)) : addDays(issued, days);
  return nextBusinessDay(nominal, holidays);
}

/** Cents off for paying early; the last day of the discount counts. */
export function earlyPaymentDiscount(total, issued, paid, terms) {
  const { discount } = parseTerms(terms);
  if (!discount || daysBetween(issued, paid) > discount.days) {
    return 0;
  }
  return percent(total, discount.rate);
}

/** 1 % of the total for every full 30 days after the grace period, at most 12 %. */
export function lateFee(total, due, today, graceDays = 5) {
  const late = daysBetween(due, today) - graceDays;
  if (late <= 0) {
    return 0;
  }
  const months = Math.floor(late / 30);
  return percent(total, Math.min(months, 12));
}
