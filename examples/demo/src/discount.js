import { percent } from './money.js';

/**
 * The rate that a quantity earns: the highest tier that it reaches.
 * `tiers` is a list of `{ from, rate }`, in any order: `{ from: 10, rate: 5 }` is 5 % for 10 pieces or more.
 */
export function volumeRate(quantity, tiers) {
  let best = { from: 0, rate: 0 };
  for (const tier of tiers) {
    if (quantity > tier.from && tier.from >= best.from) {
      best = tier;
    }
  }
  return best.rate;
}

/** A coupon counts from its first day to its last day, both included, once the goods reach its minimum. */
export function couponApplies(coupon, goods, day) {
  if (day < coupon.validFrom || day > coupon.validUntil) {
    return false;
  }
  return goods >= (coupon.minimum ?? 0);
}

/** Cents off. A coupon is either `percent` or `amount`, and never takes off more than the goods cost. */
export function couponValue(coupon, goods, day) {
  if (!couponApplies(coupon, goods, day)) {
    return 0;
  }
  const value = coupon.percent ? percent(goods, coupon.percent) : coupon.amount;
  return Math.min(value, goods);
}
