import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { dueDay, earlyPaymentDiscount, lateFee, parseTerms } from '../src/terms.js';

describe('parseTerms', () => {
  it('reads the usual forms', () => {
    assert.deepEqual(parseTerms('net 30'), { kind: 'net', days: 30, discount: null });
    assert.deepEqual(parseTerms('On receipt'), { kind: 'net', days: 0, discount: null });
    assert.deepEqual(parseTerms('EOM'), { kind: 'eom', days: 0, discount: null });
    assert.deepEqual(parseTerms('2/10 net 30'), {
      kind: 'net',
      days: 30,
      discount: { rate: 2, days: 10 },
    });
  });

  it('refuses the rest', () => {
    assert.throws(() => parseTerms('whenever'), /unknown payment terms/);
  });
});

describe('dueDay', () => {
  it('counts days from the day of issue', () => {
    assert.equal(dueDay('2026-03-02', 'net 30'), '2026-04-01');
    assert.equal(dueDay('2026-03-02', 'on receipt'), '2026-03-02');
  });

  it('moves to a working day', () => {
    assert.equal(dueDay('2026-03-06', 'net 30'), '2026-04-06');
    assert.equal(dueDay('2026-03-06', 'net 30', ['2026-04-06']), '2026-04-07');
  });

  it('takes the end of the next month', () => {
    assert.equal(dueDay('2026-02-10', 'eom'), '2026-03-31');
    assert.equal(dueDay('2026-01-31', 'eom'), '2026-03-02');
  });
});

describe('earlyPaymentDiscount', () => {
  it('counts up to the last day', () => {
    assert.equal(earlyPaymentDiscount(10000, '2026-03-01', '2026-03-05', '2/10 net 30'), 200);
    assert.equal(earlyPaymentDiscount(10000, '2026-03-01', '2026-03-11', '2/10 net 30'), 200);
  });

  it('is over the day after', () => {
    assert.equal(earlyPaymentDiscount(10000, '2026-03-01', '2026-03-12', '2/10 net 30'), 0);
  });

  it('needs terms that grant it', () => {
    assert.equal(earlyPaymentDiscount(10000, '2026-03-01', '2026-03-02', 'net 30'), 0);
  });
});

describe('lateFee', () => {
  it('is nothing on time and within the grace period', () => {
    assert.equal(lateFee(10000, '2026-03-01', '2026-02-20'), 0);
    assert.equal(lateFee(10000, '2026-03-01', '2026-03-06'), 0);
  });

  it('grows by one percent for every full 30 days', () => {
    assert.equal(lateFee(10000, '2026-03-01', '2026-04-04'), 0);
    assert.equal(lateFee(10000, '2026-03-01', '2026-04-05'), 100);
    assert.equal(lateFee(10000, '2026-03-01', '2026-05-05'), 200);
  });

  it('knows another grace period', () => {
    assert.equal(lateFee(10000, '2026-03-01', '2026-03-31', 0), 100);
  });

  it('ends at twelve percent', () => {
    assert.equal(lateFee(10000, '2024-03-01', '2026-03-01'), 1200);
  });
});
