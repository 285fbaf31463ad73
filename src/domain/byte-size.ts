const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size for people: `512 MiB`, `4.1 GiB`; one decimal where it is not a whole number of its unit. */
export function formatByteSize(bytes: number): string {
  let amount = Math.max(0, Math.round(bytes));
  let unit = 0;
  // What would be rounded to 1024 is one of the next unit.
  while (amount >= 1023.95 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${amount.toFixed(1).replace(/\.0$/u, '')} ${UNITS[unit]}`;
}
