import { daysBetween } from './calendar.js';
import { formatMoney, sum } from './money.js';

/** Where money that is owed stands: `current`, or days past due `1-30`, `31-60`, `61-90`, `over 90`. */
export function agingBucket(due, today) {
  const late = daysBetween(due, today);
  if (late <= 0) {
    return 'current';
  }
  if (late > 90) {
    return 'over 90';
  }
  const start = Math.floor((late - 1) / 30) * 30;
  return `${start + 1}-${start + 30}`;
}

export function balance(invoice) {
  return Math.max(0, invoice.total - sum(invoice.payments));
}

/** Owed cents per bucket, for open invoices only. */
export function aging(invoices, today) {
  const buckets = {};
  for (const invoice of invoices) {
    const owed = balance(invoice);
    if (owed > 0) {
      const bucket = agingBucket(invoice.due, today);
      buckets[bucket] = (buckets[bucket] ?? 0) + owed;
    }
  }
  return buckets;
}

/** A payment covers the oldest invoices first. Returns `{ applied: [{ number, cents }], left }`. */
export function applyPayment(cents, invoices) {
  const applied = [];
  let left = cents;
  const oldestFirst = [...invoices].sort((a, b) => daysBetween(b.due, a.due));
  for (const invoice of oldestFirst) {
    const part = Math.min(left, balance(invoice));
    if (part > 0) {
      applied.push({ number: invoice.number, cents: part });
      left -= part;
    }
  }
  return { applied, left };
}

export function statementText(customer, invoices, today) {
  const owed = invoices.filter((invoice) => balance(invoice) > 0);
  if (owed.length === 0) {
    return `${customer}: nothing is open`;
  }
  const rows = owed.map(
    (invoice) =>
      `${invoice.number}  due ${invoice.due}  ${formatMoney(balance(invoice)).padStart(12)}  ${agingBucket(invoice.due, today)}`,
  );
  return [customer, ...rows, `total ${formatMoney(sum(owed.map(balance)))}`].join('\n');
}
