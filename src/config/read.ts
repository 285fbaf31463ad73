import { isMap, LineCounter, parseDocument } from 'yaml';

import { isJsonObject } from '../domain/canonical-json.ts';
import type { Diagnostic } from './diagnostics.ts';
import { hasErrors } from './diagnostics.ts';
import { nestsDeeperThan } from './nesting.ts';
import { SourceDocument } from './source-document.ts';
import { findTraps, refuse, yamlProblem } from './yaml-traps.ts';

/** The most that an autodev.yaml or a policy may hold: a 1.3 MB list keeps the parser busy for 1.8 s. */
export const MAX_CONFIG_BYTES = 256 * 1024;
/** Lines and commas: the parser needs a second for 120,000 numbers of a short list. */
const MAX_ENTRIES = 10_000;
/** Deeper than anything the schemas allow, and shallow enough for every recursive reader. */
const MAX_DEPTH = 32;
/** How often aliases may multiply what they stand for. */
const MAX_ALIASES = 100;

/** Control characters, and those that make text look other than it reads (bidirectional controls). */
const CONTROL =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]/;

export type ReadResult =
  | { readonly document: SourceDocument; readonly diagnostics: readonly Diagnostic[] }
  | { readonly document: undefined; readonly diagnostics: readonly Diagnostic[] };

/**
 * Reads one YAML document that is a mapping. Whatever YAML lets through silently (duplicate and merge keys,
 * unknown tags, a second document) stops it: an empty or broken file is invalid, never "no agents".
 */
export function readDocument(
  source: string | Uint8Array,
  { name, maxBytes = MAX_CONFIG_BYTES }: { name: string; maxBytes?: number },
): ReadResult {
  const failed = (diagnostic: Diagnostic): ReadResult => ({
    document: undefined,
    diagnostics: [diagnostic],
  });

  const bytes = typeof source === 'string' ? Buffer.byteLength(source) : source.byteLength;
  if (bytes > maxBytes) {
    return failed(
      refuse('too_large', {
        message: `${name} has ${bytes} bytes; at most ${maxBytes} are read.`,
        remedy: 'Move long instructions to files of their own: `instructions: { file: … }`.',
      }),
    );
  }

  const text = decode(source);
  if (text === undefined) {
    return failed(
      refuse('invalid_encoding', {
        message: `${name} is not UTF-8.`,
        remedy: 'Save the file as UTF-8.',
      }),
    );
  }
  const control = CONTROL.exec(text);
  if (control !== null) {
    return failed(unreadable(text, control.index));
  }
  if (text.split(/[,\n]/, MAX_ENTRIES + 1).length > MAX_ENTRIES) {
    return failed(
      refuse('too_large', {
        message: `${name} has more than ${MAX_ENTRIES} entries.`,
        remedy: 'No file of this format needs so many.',
      }),
    );
  }
  if (nestsDeeperThan(text, MAX_DEPTH)) {
    return failed(
      refuse('too_deep', {
        message: `${name} nests deeper than ${MAX_DEPTH} levels.`,
        remedy: 'Nothing in this format nests so deep: look for a bracket that is never closed.',
      }),
    );
  }

  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    version: '1.2',
    schema: 'core',
    merge: false,
    // Checked by findTraps: the parser's own check takes 9 s for 20,000 keys.
    uniqueKeys: false,
    prettyErrors: false,
    strict: true,
    // `silent` would let a second document pass.
    logLevel: 'error',
  });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    return {
      document: undefined,
      diagnostics: problems.map((problem) => yamlProblem(problem, { text, lineCounter })),
    };
  }
  if (document.contents === null || !isMap(document.contents)) {
    const empty = document.contents === null;
    return failed(
      refuse(empty ? 'empty_file' : 'not_a_mapping', {
        message: empty ? `${name} is empty.` : `${name} is not a mapping of keys to values.`,
        remedy: 'Begin with `version: 1`; `autodev init` writes a file that works.',
      }),
    );
  }

  const traps = findTraps(document, { text, lineCounter });
  if (hasErrors(traps)) {
    return { document: undefined, diagnostics: traps };
  }

  const value = toValue(() => document.toJS({ maxAliasCount: MAX_ALIASES }));
  if (value === undefined) {
    return failed(
      refuse('alias_limit', {
        message: `${name} repeats itself by aliases more than ${MAX_ALIASES} times.`,
        remedy: 'Write the values out in place of `*alias`.',
      }),
    );
  }
  return {
    document: new SourceDocument(text, { document, lineCounter, value }),
    diagnostics: traps,
  };
}

function unreadable(text: string, offset: number): Diagnostic {
  const before = text.slice(0, offset).split('\n');
  const code = text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0');
  return {
    severity: 'error',
    code: 'control_character',
    path: '',
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
    message: `An invisible character (U+${code}) stands here.`,
    remedy: 'Remove it: what people review must be what is read.',
  };
}

/** Undefined when the bytes are no UTF-8. A byte order mark is dropped. */
function decode(source: string | Uint8Array): string | undefined {
  if (typeof source === 'string') {
    return source.replace(/^\uFEFF/, '');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(source);
  } catch {
    return undefined;
  }
}

/** The parser throws a ReferenceError where aliases would make too much of a small text. */
function toValue(convert: () => unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = convert();
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof ReferenceError) {
      return undefined;
    }
    throw error;
  }
}
