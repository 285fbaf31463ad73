import type { Output } from './output.ts';
import { plain } from './output.ts';

/**
 * A line of a transcript for people. A line is `{at, stream, text}`; what a worker said to standard output needs
 * no label. One that is no such object (a newer version wrote it) is shown as it is.
 */
export function transcriptLine({ paint }: Output, line: string): string {
  const { at, stream, text } = parse(line);
  if (typeof text !== 'string') {
    return plain(line);
  }
  const time = typeof at === 'string' ? `${paint('dim', at.slice(11, 19))} ` : '';
  const label =
    typeof stream === 'string' && stream !== 'stdout'
      ? `${paint(stream === 'stderr' ? 'yellow' : 'cyan', stream)} `
      : '';
  return `${time}${label}${plain(text).trimEnd()}`;
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
