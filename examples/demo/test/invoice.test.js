import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { invoiceStatus, invoiceTotals, lineTotal } from '../src/invoice.js';

const paper = {
  quantity: 20,
  unitPrice: 450,
  category: 'standard',
  tiers: [{ from: 15, rate: 10 }],
};
const book = { quantity: 1, unitPrice: 1900, category: 'zero' };

describe('lineTotal', () => {
  it('is quantity times price', () => {
    assert.equal(lineTotal(book), 1900);
    assert.equal(lineTotal({ quantity: 3, unitPrice: 333 }), 999);
  });

  it('takes the volume discount off', () => {
    assert.equal(lineTotal(paper), 8100);
  });

  it('refuses quantities that cannot be delivered', () => {
    for (const quantity of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => lineTotal({ quantity, unitPrice: 100 }), RangeError);
    }
  });
});

describe('invoiceTotals', () => {
  it('adds lines and taxes', () => {
    const totals = invoiceTotals({ lines: [paper, book], issued: '2026-03-02', terms: 'net 30' });

    assert.equal(totals.goods, 10000);
    assert.equal(totals.discount, 0);
    assert.equal(totals.net, 10000);
    assert.equal(totals.tax, 1620);
    assert.equal(totals.total, 11620);
    assert.equal(totals.due, '2026-04-01');
  });

  it('spreads a coupon over the tax categories', () => {
    const coupon = { percent: 10, validFrom: '2026-03-01', validUntil: '2026-03-31' };
    const totals = invoiceTotals({
      lines: [paper, book],
      issued: '2026-03-02',
      terms: 'on receipt',
      coupon,
    });

    assert.equal(totals.discount, 1000);
    assert.equal(totals.net, 9000);
    assert.deepEqual(totals.taxes, [
      { category: 'standard', net: 7290, tax: 1458 },
      { category: 'zero', net: 1710, tax: 0 },
    ]);
    assert.equal(totals.total, 10458);
  });

  it('needs a line', () => {
    const empty = { lines: [], issued: '2026-03-02', terms: 'eom' };
    assert.throws(() => invoiceTotals(empty), /at least one line/);
  });
});

describe('invoiceStatus', () => {
  const invoice = { sent: true, total: 5000, due: '2026-04-01', payments: [2000] };

  it('is a draft until it is sent', () => {
    assert.equal(invoiceStatus({ ...invoice, sent: false }, '2026-05-01'), 'draft');
  });

  it('is open through its due day and overdue after it', () => {
    assert.equal(invoiceStatus(invoice, '2026-04-01'), 'open');
    assert.equal(invoiceStatus(invoice, '2026-04-02'), 'overdue');
  });

  it('is paid when the payments reach the total', () => {
    assert.equal(invoiceStatus({ ...invoice, payments: [2000, 3000] }, '2026-05-01'), 'paid');
    assert.equal(invoiceStatus({ ...invoice, payments: [6000] }, '2026-05-01'), 'paid');
    assert.equal(invoiceStatus({ ...invoice, payments: [4999] }, '2026-03-01'), 'open');
  });
});
