import { couponValue, volumeRate } from './discount.js';
import { allocate, percent, sum } from './money.js';
import { taxSummary } from './tax.js';
import { dueDay } from './terms.js';

/** What one line costs after its volume discount, before coupon and tax. */
export function lineTotal({ quantity, unitPrice, tiers = [] }) {
  if (!Number.isInteger(quantity) || quantity < 1) {
    throw new RangeError(`a quantity is a whole number from 1 on, not ${quantity}`);
  }
  const list = quantity * unitPrice;
  return list - percent(list, volumeRate(quantity, tiers));
}

/**
 * The totals of an invoice, in cents. A coupon is spread over the lines by their value,
 * so that each tax category carries its part of it.
 */
export function invoiceTotals({ lines, issued, terms, coupon = null, holidays = [] }) {
  if (lines.length === 0) {
    throw new RangeError('an invoice needs at least one line');
  }
  const totals = lines.map(lineTotal);
  const goods = sum(totals);
  const discount = coupon ? couponValue(coupon, goods, issued) : 0;
  const parts = discount > 0 ? allocate(discount, totals) : totals.map(() => 0);
  const taxes = taxSummary(
    lines.map((line, index) => ({ category: line.category, net: totals[index] - parts[index] })),
  );
  const net = goods - discount;
  const tax = sum(taxes.map((row) => row.tax));
  return {
    goods,
    discount,
    net,
    taxes,
    tax,
    total: net + tax,
    due: dueDay(issued, terms, holidays),
  };
}

/** Draft, open, paid or overdue; an overpaid invoice is paid. */
export function invoiceStatus({ sent, total, due, payments }, today) {
  if (!sent) {
    return 'draft';
  }
  if (sum(payments) >= total) {
    return 'paid';
  }
  return today > due ? 'overdue' : 'open';
}
