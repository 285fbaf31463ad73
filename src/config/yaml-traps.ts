import type { Document, LineCounter, Node, YAMLError } from 'yaml';
import { isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';

import type { Diagnostic, DiagnosticCode } from './diagnostics.ts';
import { findUnquoted, quote } from './quoting.ts';

interface Source {
  readonly text: string;
  readonly lineCounter: LineCounter;
}

interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy: string;
}

const UNQUOTED: Readonly<Partial<Record<DiagnosticCode, string>>> = {
  unquoted_braces:
    'A text that begins with or holds `{{…}}` must be quoted: to YAML a brace opens a mapping.',
  unquoted_star: 'A text that begins with `*` must be quoted: to YAML that is an alias.',
  unquoted_at: 'A text that begins with `@` must be quoted; a user is named without it.',
  unquoted_bang: 'A text that begins with `!` must be quoted: to YAML that is a tag.',
  unquoted_hash: 'A text that begins with `#` must be quoted: to YAML that is a comment.',
  unquoted_colon:
    'A text with a colon and a space in it must be quoted: to YAML that is a mapping.',
};

const DUPLICATE: Problem = {
  code: 'duplicate_key',
  message: 'This key is there twice; only one could count.',
  remedy: 'Remove one of the two, or give it another name.',
};

const SYNTAX: Readonly<Record<string, Problem>> = {
  TAB_AS_INDENT: {
    code: 'tab_indentation',
    message: 'A tab indents this line; YAML wants spaces.',
    remedy: 'Replace the tab by spaces.',
  },
  MULTIPLE_DOCS: {
    code: 'several_documents',
    message: 'A second document begins here.',
    remedy: 'Remove the line `---`; one file holds one document.',
  },
  TAG_RESOLVE_FAILED: {
    code: 'yaml_warning',
    message: 'This tag means nothing here.',
    remedy: 'Remove the tag.',
  },
};

/** A diagnostic about the file as a whole. */
export function refuse(
  code: DiagnosticCode,
  { message, remedy }: { message: string; remedy: string },
): Diagnostic {
  return { severity: 'error', code, path: '', line: 1, column: 1, message, remedy };
}

/**
 * What the YAML parser says, in our words. What beginners meet most, a value that lacks its quotes, is told by
 * the line, since the parser's own message speaks of tokens.
 */
export function yamlProblem(problem: YAMLError, { text, lineCounter }: Source): Diagnostic {
  const { line, col } = lineCounter.linePos(problem.pos[0]);
  const lineText = text.split(/\r?\n/)[line - 1] ?? '';
  const known = SYNTAX[problem.code];
  if (known !== undefined && problem.code !== 'TAG_RESOLVE_FAILED') {
    const corrected = known.code === 'tab_indentation' && {
      corrected: lineText.replace(/^\s*/, (indent) => indent.replaceAll('\t', '  ')),
    };
    return { severity: 'error', path: '', line, column: col, ...known, ...corrected };
  }
  return (
    unquotedAt(lineText, line) ?? {
      severity: 'error',
      path: '',
      line,
      column: col,
      ...(known ?? {
        code: problem.name === 'YAMLWarning' ? 'yaml_warning' : 'yaml_syntax',
        message: `This is no YAML: ${problem.message}.`,
        remedy: 'Look for a missing quote, bracket or indentation at this place.',
      }),
    }
  );
}

/** What YAML reads without complaint and means something else than what was written. */
export function findTraps(document: Document, source: Source): Diagnostic[] {
  const found: Diagnostic[] = [];
  const report: Report = (node, problem, path, corrected) => {
    const { line, column, lineText } = placeOf(node, source);
    const fixed = corrected && { corrected: corrected(lineText) };
    found.push({ severity: 'error', path, line, column, ...problem, ...fixed });
  };
  const reportUnquoted = (node: Place, otherwise: Problem, path: string): void => {
    const { line, lineText } = placeOf(node, source);
    const unquoted = unquotedAt(lineText, line);
    if (unquoted === undefined) {
      report(node, otherwise, path);
    } else {
      found.push({ ...unquoted, path });
    }
  };

  if (source.text.startsWith('%') || document.directives?.yaml.explicit === true) {
    found.push(
      refuse('forbidden_key', {
        message: 'A YAML directive changes how the file is read.',
        remedy: 'Remove the line that begins with `%`.',
      }),
    );
  }
  const path: (string | number)[] = [];
  // Not the parser's own `visit`: that hands out every node's ancestors, and cost a fifth of what the parsing does.
  const look = (node: unknown): void => {
    if (isMap(node)) {
      const names = new Set<unknown>();
      for (const { key, value } of node.items) {
        if (isScalar(key)) {
          path.push(String(key.value));
          if (names.has(key.value)) {
            report(key, DUPLICATE, path.join('.'));
          }
          names.add(key.value);
          checkKey(key, { report, text: source.text, path });
          const hidden = isScalar(value) ? hiddenByHash(value, source) : undefined;
          if (hidden !== undefined) {
            found.push({ ...hidden, path: path.join('.') });
          }
          look(value);
          path.pop();
        } else {
          reportUnquoted(isNode(key) ? key : document, NO_KEY, path.join('.'));
        }
      }
    } else if (isSeq(node)) {
      node.items.forEach((item, i) => {
        path.push(i);
        look(item);
        path.pop();
      });
    } else if (isAlias(node) && node.resolve(document) === undefined) {
      const problem: Problem = {
        code: 'yaml_syntax',
        message: `Nothing is named \`&${node.source}\` before this.`,
        remedy: 'Quote the text, or name the value with `&` first.',
      };
      reportUnquoted(node, problem, path.join('.'));
    }
  };
  look(document.contents);
  return found;
}

function placeOf(
  { range }: { range?: readonly number[] | null | undefined },
  { text, lineCounter }: Source,
): { line: number; column: number; lineText: string } {
  const { line, col } = lineCounter.linePos(range?.[0] ?? 0);
  const start = lineCounter.lineStarts[line - 1] ?? 0;
  const lineText = text.slice(start, text.indexOf('\n', start) >>> 0).replace(/\r$/, '');
  return { line, column: col, lineText };
}

const NO_KEY: Problem = {
  code: 'yaml_syntax',
  message: 'A mapping or a list cannot be a key.',
  remedy: 'Quote the text.',
};

type Place = Parameters<typeof placeOf>[0];

type Report = (
  node: Place,
  problem: Problem,
  path: string,
  corrected?: (line: string) => string,
) => void;

function checkKey(
  key: Node & { value: unknown },
  { report, text, path }: { report: Report; text: string; path: readonly (string | number)[] },
): void {
  if (key.value === '<<') {
    report(
      key,
      {
        code: 'merge_key',
        message: 'The merge key `<<` is not accepted: a reader would not see what holds.',
        remedy: 'Write the keys out.',
      },
      path.join('.'),
    );
  } else if (key.value === '__proto__') {
    report(
      key,
      {
        code: 'forbidden_key',
        message: 'The key `__proto__` is not accepted.',
        remedy: 'Remove it.',
      },
      path.join('.'),
    );
  } else if (typeof key.value !== 'string') {
    const written = text.slice(key.range?.[0], key.range?.[1]);
    report(
      key,
      {
        code: 'number_for_name',
        message: `The key \`${written}\` is no text to YAML.`,
        remedy: 'Quote it.',
      },
      path.join('.'),
      (line) => line.replace(written, quote(written)),
    );
  }
}

/** A text that ends early, or is missing, because `#` began a comment. `# ` with a space is meant as one. */
function hiddenByHash(
  value: Node & { value: unknown; type?: string },
  { text, lineCounter }: Source,
): Diagnostic | undefined {
  const [start, end] = value.range ?? [0, 0];
  const isPlain = value.type === undefined || value.type === 'PLAIN';
  if (!isPlain || text[start - 1] === '\n' || !commentBegins(text, end)) {
    return undefined;
  }
  const rest = /^[ \t]*#[^\s#!][^\n]*/.exec(text.slice(end, text.indexOf('\n', end) >>> 0))?.[0];
  if (rest === undefined) {
    return undefined;
  }
  const { line, col } = lineCounter.linePos(end + rest.indexOf('#'));
  const lineText = text.split(/\r?\n/)[line - 1] ?? '';
  const written = text.slice(start, end) + rest.trimEnd();
  return {
    severity: value.value === null ? 'error' : 'warning',
    code: 'unquoted_hash',
    path: '',
    line,
    column: col,
    message: 'Everything from `#` on is a comment to YAML, not part of the text.',
    remedy: 'Quote the text; write a comment with a space after `#`.',
    corrected: lineText.replace(written.trim(), quote(written.trim())),
  };
}

/** Asked for every value, so without making a text or running a pattern. */
function commentBegins(text: string, offset: number): boolean {
  let at = offset;
  while (text[at] === ' ' || text[at] === '\t') {
    at += 1;
  }
  return text[at] === '#';
}

function unquotedAt(lineText: string, line: number): Diagnostic | undefined {
  const unquoted = findUnquoted(lineText);
  const message = unquoted && UNQUOTED[unquoted.code];
  return unquoted === undefined || message === undefined
    ? undefined
    : {
        severity: 'error',
        code: unquoted.code,
        path: '',
        line,
        column: unquoted.start + 1,
        message,
        remedy: 'Quote it.',
        corrected: unquoted.corrected,
      };
}
