import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { aging, agingBucket, applyPayment, balance, statementText } from '../src/statement.js';

const march = { number: '2026-0003', total: 5000, payments: [], due: '2026-03-31' };
const january = { number: '2026-0001', total: 12000, payments: [2000], due: '2026-01-30' };
const february = { number: '2026-0002', total: 8000, payments: [8000], due: '2026-02-27' };

describe('agingBucket', () => {
  it('is current through the due day', () => {
    assert.equal(agingBucket('2026-03-31', '2026-03-01'), 'current');
    assert.equal(agingBucket('2026-03-31', '2026-03-31'), 'current');
  });

  it('counts in steps of 30 days', () => {
    assert.equal(agingBucket('2026-03-31', '2026-04-01'), '1-30');
    assert.equal(agingBucket('2026-03-31', '2026-04-30'), '1-30');
    assert.equal(agingBucket('2026-03-31', '2026-05-01'), '31-60');
    assert.equal(agingBucket('2026-03-31', '2026-06-29'), '61-90');
  });

  it('has one bucket for everything older', () => {
    assert.equal(agingBucket('2026-03-31', '2026-06-30'), 'over 90');
  });
});

describe('balance', () => {
  it('is what is left to pay', () => {
    assert.equal(balance(january), 10000);
    assert.equal(balance(february), 0);
  });

  it('is never negative', () => {
    assert.equal(balance({ total: 100, payments: [150] }), 0);
  });
});

describe('aging', () => {
  it('adds up what is owed per bucket', () => {
    const second = { ...march, number: '2026-0004', total: 700 };
    const buckets = aging([march, january, february, second], '2026-04-10');
    assert.deepEqual(buckets, { '1-30': 5700, '61-90': 10000 });
  });
});

describe('applyPayment', () => {
  it('covers the oldest invoice first', () => {
    assert.deepEqual(applyPayment(11000, [march, january]), {
      applied: [
        { number: '2026-0001', cents: 10000 },
        { number: '2026-0003', cents: 1000 },
      ],
      left: 0,
    });
  });

  it('skips what is paid and returns what is left over', () => {
    assert.deepEqual(applyPayment(6000, [february, march]), {
      applied: [{ number: '2026-0003', cents: 5000 }],
      left: 1000,
    });
  });
});

describe('statementText', () => {
  it('lists what is open, with a total', () => {
    assert.equal(
      statementText('Corner Bakery', [january, february, march], '2026-04-10'),
      [
        'Corner Bakery',
        '2026-0001  due 2026-01-30       $100.00  61-90',
        '2026-0003  due 2026-03-31        $50.00  1-30',
        'total $150.00',
      ].join('\n'),
    );
  });

  it('says so when nothing is open', () => {
    const text = statementText('Corner Bakery', [february], '2026-04-10');
    assert.equal(text, 'Corner Bakery: nothing is open');
  });
});
