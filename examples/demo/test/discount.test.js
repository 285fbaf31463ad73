import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { couponApplies, couponValue, volumeRate } from '../src/discount.js';

const tiers = [
  { from: 50, rate: 12 },
  { from: 10, rate: 5 },
];

const spring = { percent: 10, validFrom: '2026-03-01', validUntil: '2026-05-31', minimum: 5000 };

describe('volumeRate', () => {
  it('is nothing below the first tier', () => {
    assert.equal(volumeRate(9, tiers), 0);
    assert.equal(volumeRate(1, []), 0);
  });

  it('counts a tier from its own quantity on', () => {
    assert.equal(volumeRate(10, tiers), 5);
    assert.equal(volumeRate(50, tiers), 12);
  });

  it('takes the highest tier that is reached, in any order', () => {
    assert.equal(volumeRate(49, tiers), 5);
    assert.equal(volumeRate(400, tiers), 12);
    assert.equal(volumeRate(400, [...tiers].reverse()), 12);
  });
});

describe('couponApplies', () => {
  it('includes the first and the last day', () => {
    assert.equal(couponApplies(spring, 9000, '2026-03-01'), true);
    assert.equal(couponApplies(spring, 9000, '2026-05-31'), true);
  });

  it('refuses the day before and the day after', () => {
    assert.equal(couponApplies(spring, 9000, '2026-02-28'), false);
    assert.equal(couponApplies(spring, 9000, '2026-06-01'), false);
  });

  it('wants its minimum', () => {
    assert.equal(couponApplies(spring, 4999, '2026-04-01'), false);
    assert.equal(couponApplies(spring, 5000, '2026-04-01'), true);
  });

  it('has no minimum unless it says so', () => {
    assert.equal(couponApplies({ ...spring, minimum: undefined }, 0, '2026-04-01'), true);
  });
});

describe('couponValue', () => {
  it('takes a share of the goods', () => {
    assert.equal(couponValue(spring, 8000, '2026-04-01'), 800);
  });

  it('is nothing when the coupon does not apply', () => {
    assert.equal(couponValue(spring, 8000, '2027-04-01'), 0);
  });

  it('takes a fixed amount, but never more than the goods cost', () => {
    const voucher = { amount: 2500, validFrom: '2026-01-01', validUntil: '2026-12-31' };
    assert.equal(couponValue(voucher, 8000, '2026-04-01'), 2500);
    assert.equal(couponValue(voucher, 2000, '2026-04-01'), 2000);
  });
});
