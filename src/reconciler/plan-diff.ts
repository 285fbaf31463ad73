import { isJsonObject } from '../domain/canonical-json.ts';
import { diffBlock } from '../domain/markdown.ts';
import type { PlannedChange } from './plan-document.ts';
import { fileKey, showValue } from './plan-values.ts';

type Line = Parameters<typeof diffBlock>[0][number];

/** Every property that a plan changes, as a difference, and how many lines that takes. */
export function planDiff(changes: readonly PlannedChange[]): { text: string; lines: number } {
  const lines = changes.flatMap((change): Line[] => [
    { sign: '!', text: `${change.kind}.${change.key}` },
    ...change.paths.flatMap(pathLines),
  ]);
  return { text: diffBlock(lines), lines: lines.length };
}

function pathLines({ path, before, after }: PlannedChange['paths'][number]): Line[] {
  return [...valueLines('-', path, before), ...valueLines('+', path, after)];
}

/** An object that comes or goes as a whole is shown by its properties. */
function valueLines(sign: '-' | '+', path: string, value: unknown): Line[] {
  if (value === undefined) {
    return [];
  }
  if (isJsonObject(value)) {
    const keys = Object.keys(value).sort();
    return keys.flatMap((key) =>
      valueLines(sign, path === '' ? key : `${path}.${key}`, value[key]),
    );
  }
  return [{ sign, text: `  ${fileKey(path)}: ${showValue(path, value, { longest: 200 })}` }];
}
