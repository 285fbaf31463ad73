import { stripVTControlCharacters } from 'node:util';

const GAP = '  ';

/**
 * Rows under their heads, each column as wide as its widest cell. Where that is too wide, the last column is
 * cut; `columns` undefined cuts nothing.
 */
export function textTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { columns }: { columns?: number | undefined } = {},
): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, i) => Math.max(...all.map((row) => width(row[i] ?? ''))));
  return all.map((row) => cut(line(row, widths), columns)).join('\n');
}

/** `name: value` lines with the values under each other; those without a value are left out. */
export function fieldList(
  fields: readonly (readonly [string, string | null | undefined])[],
): string {
  const shown = fields.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const widest = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(widest)}${GAP}${value}`).join('\n');
}

function line(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(cell))))
    .join(GAP)
    .trimEnd();
}

function cut(text: string, columns: number | undefined): string {
  if (columns === undefined || width(text) <= columns) {
    return text;
  }
  // Escape sequences take no room; a cut line loses its colours rather than leaving one switched on.
  return `${stripVTControlCharacters(text).slice(0, columns - 1)}…`;
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}
