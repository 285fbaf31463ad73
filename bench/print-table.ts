import process from 'node:process';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The goal: at least, or at most, so much. */
  readonly least?: number;
  readonly most?: number;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints figures with their goals and answers whether all were reached. */
export function printTable(figures: readonly Figure[]): boolean {
  for (const figure of figures) {
    const { name, value, unit, least, most } = figure;
    const shown = value >= 100 ? value.toFixed(0) : value.toPrecision(3);
    const goal =
      least === undefined && most === undefined
        ? ''
        : `goal ${least === undefined ? `<= ${most}` : `>= ${least}`}  ${reached(figure) ? 'reached' : 'MISSED'}`;
    print(`${name.padEnd(30)} ${shown.padStart(10)} ${unit.padEnd(10)} ${goal}`.trimEnd());
  }
  return figures.every(reached);
}

function reached({ value, least, most }: Figure): boolean {
  return (
    value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY)
  );
}
