import type { Output } from './output.ts';
import { plain } from './output.ts';

/**
 * A line of a transcript for people. A line is a JSON object; what it says stands in the first of a few members,
 * and what kind it is in `type`. One that is no such object is shown as it is.
 */
export function transcriptLine({ paint }: Output, line: string): string | undefined {
  const entry = parse(line);
  if (entry === undefined) {
    return plain(line);
  }
  const { type, text, message, line: said, command, at } = entry;
  const words = [text, message, said, command].find((part) => typeof part === 'string');
  const time = typeof at === 'string' ? `${paint('dim', at.slice(11, 19))} ` : '';
  const kind = typeof type === 'string' ? `${paint('dim', type.padEnd(8))} ` : '';
  return `${time}${kind}${plain(words ?? restOf(entry)).trimEnd()}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function restOf({ type: _type, at: _at, ...rest }: Record<string, unknown>): string {
  return Object.keys(rest).length === 0 ? '' : JSON.stringify(rest);
}
