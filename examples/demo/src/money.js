/** Amounts are whole cents in a number. Only `percent` multiplies by a fraction, and it rounds once. */

const AMOUNT = /^(-?)\$?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?$/;

/** `"$1,234.50"` becomes `123450`. Throws a TypeError for anything that is not an amount. */
export function parseMoney(text) {
  const match = AMOUNT.exec(text.trim());
  if (!match) {
    throw new TypeError(`not an amount: ${JSON.stringify(text)}`);
  }
  const [, sign, whole, fraction = ''] = match;
  const cents = Number(whole.replaceAll(',', '')) * 100 + Number(fraction.padEnd(2, '0'));
  return sign === '-' ? 0 - cents : cents;
}

/** `-123450` becomes `"-$1,234.50"`. */
export function formatMoney(cents) {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${cents < 0 ? '-' : ''}$${whole}.${digits.slice(-2)}`;
}

/** Halves go to the even cent, so that many roundings do not drift upwards. */
export function roundHalfEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) {
    return floor % 2 === 0 ? floor : floor + 1;
  }
  return rest < 0.5 ? floor : floor + 1;
}

export function percent(cents, rate) {
  return roundHalfEven((cents * rate) / 100);
}

export function sum(amounts) {
  return amounts.reduce((total, amount) => total + amount, 0);
}

/** Splits cents by weight without losing one: the largest remainders get the cents left over. */
export function allocate(cents, weights) {
  const whole = sum(weights);
  if (whole <= 0) {
    throw new RangeError('the weights must add up to more than 0');
  }
  const shares = weights.map((weight, index) => ({
    index,
    cents: Math.floor((cents * weight) / whole),
    rest: (cents * weight) % whole,
  }));
  const left = cents - sum(shares.map((share) => share.cents));
  const byRest = [...shares].sort((a, b) => b.rest - a.rest || a.index - b.index);
  for (const share of byRest.slice(0, left)) {
    share.cents += 1;
  }
  return shares.map((share) => share.cents);
}
