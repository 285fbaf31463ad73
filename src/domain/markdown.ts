import { defuseTitle } from './defuse-text.ts';
import { visibleText } from './sanitize.ts';
import { maskSecretShapes } from './secret-shapes.ts';

const LONGEST_CODE = 120;
const LONGEST_PROSE = 500;

/**
 * Text from outside as code within a line: shown as it is, and nothing in it acts. One line, without what looks like a
 * credential; a backtick becomes a letter that looks like one, because no escape for it works everywhere.
 */
export function codeSpan(text: string, { longest = LONGEST_CODE } = {}): string {
  const plain = oneLine(text).replaceAll('`', '\u02cb');
  return `\`${cut(plain, longest) || ' '}\``;
}

/** Text from outside as words within a line of ours: without mentions, markup, links and credentials. */
export function proseLine(text: string, { longest = LONGEST_PROSE } = {}): string {
  // Cut first: a cut through something that was defused could bring it back.
  const words = defuseTitle(cut(oneLine(text), longest), { linkHosts: [] });
  return words.replaceAll(/[*_~[\]`|]/gu, String.raw`\$&`);
}

/** The cells of a row; what people wrote may hold the sign that parts them. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll(/(?<!\\)\|/gu, String.raw`\|`)).join(' | ')} |`;
}

/** Lines of a difference; their signs keep every line from beginning with what is not ours. */
export function diffBlock(lines: readonly { sign: '+' | '-' | '!'; text: string }[]): string {
  return [
    '```diff',
    ...lines.map(({ sign, text }) => `${sign} ${cut(oneLine(text, { keepIndent: true }), 300)}`),
    '```',
  ].join('\n');
}

/** A part that people open; its content begins and ends with an empty line, or markdown would not see it. */
export function folded(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

function oneLine(text: string, { keepIndent = false } = {}): string {
  const line = maskSecretShapes(visibleText(text))
    .replaceAll(/[\n\t]+/gu, ' ')
    // Our notes are found by a comment: one that somebody plants here must not be found, shown as code or not.
    .replaceAll('<!--', '<!\u2010\u2010');
  return keepIndent ? line.trimEnd() : line.replaceAll(/ {2,}/gu, ' ').trim();
}

function cut(text: string, longest: number): string {
  return text.length > longest
    ? `${text
        .slice(0, longest - 1)
        .toWellFormed()
        .trimEnd()}…`
    : text;
}
