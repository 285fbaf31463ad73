import { percent, roundHalfEven, sum } from './money.js';

const RATES = { standard: 20, reduced: 5, zero: 0 };

export function rateOf(category) {
  const rate = RATES[category];
  if (rate === undefined) {
    throw new RangeError(`no tax rate for ${category}; known are ${Object.keys(RATES).join(', ')}`);
  }
  return rate;
}

/** Tax on top of a net amount. */
export function taxOn(net, category) {
  return percent(net, rateOf(category));
}

/** The tax inside a gross amount: what was added to the net one. */
export function taxWithin(gross, category) {
  const rate = rateOf(category);
  return gross - roundHalfEven((gross * 100) / (100 + rate));
}

/** One row per category in use, highest rate first; tax is rounded once per category, not per line. */
export function taxSummary(lines) {
  const categories = [...new Set(lines.map((line) => line.category))];
  return categories
    .sort((a, b) => rateOf(b) - rateOf(a))
    .map((category) => {
      const net = sum(lines.filter((line) => line.category === category).map((line) => line.net));
      return { category, net, tax: taxOn(net, category) };
    });
}
