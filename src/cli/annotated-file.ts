import type { AnnotatedFile } from '../db/views/annotated-file.ts';
import type { Output } from './output.ts';
import { oneLine, plain } from './output.ts';

/** A column that most lines of a file end before: notes further right are hard to follow. */
const MOST_INDENT = 60;

/** The file with its notes as comments under each other: it stays valid YAML. */
export function annotatedFile({ paint }: Output, { lines }: AnnotatedFile): string {
  const noted = lines.filter(({ notes }) => notes.length > 0);
  const indent = Math.min(MOST_INDENT, Math.max(0, ...noted.map(({ text }) => text.length)));
  return lines
    .map(({ text, notes }) =>
      notes.length === 0
        ? plain(text)
        : `${plain(text).padEnd(indent)}  ${paint('cyan', `# ◂ ${notes.map(oneLine).join('; ')}`)}`,
    )
    .join('\n');
}
