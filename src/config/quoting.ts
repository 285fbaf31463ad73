import type { DiagnosticCode } from './diagnostics.ts';

/** A value that YAML reads as something else because it stands without quotes. */
export interface UnquotedValue {
  readonly code: DiagnosticCode;
  /** Where the value begins, from 0. */
  readonly start: number;
  readonly value: string;
  readonly corrected: string;
}

/** Everything up to where a value begins: indentation, list dashes, a key and its colon. */
const BEFORE_VALUE = /^\s*(?:-\s+)*(?:(?:"[^"]*"|'[^']*'|[^\s"'#:[\]{},][^:"'#]*?):\s+)?/;

/** Inside brackets: what begins a value after a bracket, comma or colon and may not. */
const INSIDE_BRACKETS = /(?<=[[{,]\s*|:\s+)(?:\{\{|[@*!`%])[^,\]}]*(?:\}\})?/;

/** Inside brackets: a text after a colon that holds `{{…}}` or another colon. */
const INSIDE_TEXT = /(?<=:\s+)(?=[^,]*(?:\{\{|:\s))[^"'\s[\]{},](?:[^"'[\]{},]|\{\{[^}]*\}\})*/;

const CODES: Readonly<Record<string, DiagnosticCode>> = {
  '{{': 'unquoted_braces',
  '*': 'unquoted_star',
  '@': 'unquoted_at',
  '!': 'unquoted_bang',
  '#': 'unquoted_hash',
};

/**
 * Finds in a line of YAML the value that should have been quoted: `*…`, `@…`, `!…`, `#…`, `{{…}}`, or text with
 * a colon in it. Works on the text alone, because the parser has given up on such a line.
 */
export function findUnquoted(line: string): UnquotedValue | undefined {
  const start = BEFORE_VALUE.exec(line)?.[0].length ?? 0;
  const value = line
    .slice(start)
    .replace(/\s+# .*$/, '')
    .trimEnd();
  const code = codeOf(value);
  if (code !== undefined) {
    return quoted(line, { code, start, value });
  }
  if (/^[[{]/.test(value)) {
    return findInsideBrackets(line, start);
  }
  if (value.includes('{{') && /^\{|\}$/.test(value) && !/^["']/.test(value)) {
    return quoted(line, { code: 'unquoted_braces', start, value });
  }
  return /^[^"'|>[{&].*:(\s|$)/.test(value) && start > 0
    ? quoted(line, { code: 'unquoted_colon', start, value })
    : undefined;
}

/** The text in double quotes; in single ones where it holds double quotes or backslashes itself. */
export function quote(text: string): string {
  return /["\\]/.test(text) ? `'${text.replaceAll("'", "''")}'` : `"${text}"`;
}

function findInsideBrackets(line: string, start: number): UnquotedValue | undefined {
  const inner = line.slice(start + 1);
  const match = INSIDE_BRACKETS.exec(` ${inner}`.replace(/^ /, '['));
  if (match !== null) {
    const value = match[0].trimEnd();
    return quoted(line, {
      code: codeOf(value) ?? 'yaml_syntax',
      start: start + match.index,
      value,
    });
  }
  const text = INSIDE_TEXT.exec(inner);
  if (text === null) {
    return undefined;
  }
  const value = text[0].trimEnd();
  return quoted(line, {
    code: value.includes('{{') ? 'unquoted_braces' : 'unquoted_colon',
    start: start + 1 + text.index,
    value,
  });
}

function codeOf(value: string): DiagnosticCode | undefined {
  // `!!` begins one of YAML's own tags, which nobody writes for a text.
  return value.startsWith('!!')
    ? undefined
    : (CODES[value.slice(0, 2)] ?? CODES[value.slice(0, 1)]);
}

function quoted(
  line: string,
  { code, start, value }: { code: DiagnosticCode; start: number; value: string },
): UnquotedValue {
  const corrected = line.slice(0, start) + quote(value) + line.slice(start + value.length);
  return { code, start, value, corrected };
}
