const PATTERN = /^(\d{4})-(\d{4,})$/;

export function parseNumber(text) {
  const match = PATTERN.exec(text);
  if (!match) {
    throw new TypeError(`not an invoice number: ${text}`);
  }
  return { year: Number(match[1]), serial: Number(match[2]) };
}

export function formatNumber({ year, serial }) {
  return `${year}-${String(serial).padStart(4, '0')}`;
}

/** The number after the highest one of the year; a new year begins at 1. */
export function nextNumber(existing, year) {
  const serials = existing
    .map(parseNumber)
    .filter((number) => number.year === year)
    .map((number) => number.serial);
  return formatNumber({ year, serial: Math.max(0, ...serials) + 1 });
}

/** Serials that are missing between the first and the last of a year: auditors ask for them. */
export function findGaps(existing, year) {
  const serials = existing
    .map(parseNumber)
    .filter((number) => number.year === year)
    .map((number) => number.serial)
    .sort((a, b) => a - b);
  const gaps = [];
  for (let i = 1; i < serials.length; i += 1) {
    for (let missing = serials[i - 1] + 1; missing < serials[i]; missing += 1) {
      gaps.push(formatNumber({ year, serial: missing }));
    }
  }
  return gaps;
}
