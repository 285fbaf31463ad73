import type { Document, LineCounter, Node, Pair } from 'yaml';
import { isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';

import type { Diagnostic, DiagnosticCode, DocumentPath, Severity } from './diagnostics.ts';

/** What a diagnostic says besides where it stands. */
export interface Finding {
  readonly severity?: Severity;
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy: string;
  /** The line as it should be: the whole line, or how the text at the place is to be replaced. */
  readonly corrected?: string | { readonly replace: string; readonly by: string };
}

/** A parsed file that still knows where everything stands. */
export class SourceDocument {
  readonly text: string;
  /** The plain value: mappings, lists, strings, numbers, booleans and null. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly #document: Document;
  readonly #lineCounter: LineCounter;
  readonly #lines: readonly string[];

  constructor(
    text: string,
    {
      document,
      lineCounter,
      value,
    }: {
      document: Document;
      lineCounter: LineCounter;
      value: Readonly<Record<string, unknown>>;
    },
  ) {
    this.text = text;
    this.value = value;
    this.#document = document;
    this.#lineCounter = lineCounter;
    this.#lines = text.split(/\r?\n/);
  }

  /** The text of a line (from 1), without its end. */
  lineText(line: number): string {
    return this.#lines[line - 1] ?? '';
  }

  /** The line (from 1) on which a key stands; the nearest one above it where the file does not say it. */
  lineOf(path: DocumentPath): number {
    return this.#lineCounter.linePos(this.#offset(path, 'key')).line;
  }

  /** The value as it is written, quotes included; undefined where the file has none. */
  sourceOf(path: DocumentPath): string | undefined {
    const range = this.#find(path)?.value?.range;
    return range ? this.text.slice(range[0], range[1]) : undefined;
  }

  /** Makes a diagnostic at a key or at its value. A path that the file lacks is located at its nearest parent. */
  diagnose(path: DocumentPath, finding: Finding, at: 'key' | 'value' = 'value'): Diagnostic {
    const { line, col } = this.#lineCounter.linePos(this.#offset(path, at));
    const { severity = 'error', code, message, remedy, corrected } = finding;
    const correctedLine =
      typeof corrected === 'object'
        ? replaceFrom(this.lineText(line), col - 1, corrected)
        : corrected;
    return {
      severity,
      code,
      path: path.join('.'),
      line,
      column: col,
      message,
      remedy,
      ...(correctedLine === undefined ? {} : { corrected: correctedLine }),
    };
  }

  #offset(path: DocumentPath, at: 'key' | 'value'): number {
    for (let length = path.length; length > 0; length -= 1) {
      const found = this.#find(path.slice(0, length));
      const node =
        at === 'value' && length === path.length && hasText(found?.value)
          ? found?.value
          : (found?.key ?? found?.value);
      if (node?.range) {
        return node.range[0];
      }
    }
    return this.#document.contents?.range?.[0] ?? 0;
  }

  /** The key and the value at a path; undefined where the file has none. */
  #find(path: DocumentPath): { key: Node | undefined; value: Node | undefined } | undefined {
    let key: Node | undefined;
    let value: Node | undefined = this.#document.contents ?? undefined;
    for (const step of path) {
      const parent: Node | undefined = isAlias(value) ? value.resolve(this.#document) : value;
      if (isMap(parent)) {
        const pair: Pair | undefined = parent.items.find(
          (item) => isScalar(item.key) && String(item.key.value) === String(step),
        );
        if (pair === undefined) {
          return undefined;
        }
        key = isNode(pair.key) ? pair.key : undefined;
        value = isNode(pair.value) ? pair.value : undefined;
      } else if (isSeq(parent) && typeof step === 'number') {
        const item: unknown = parent.items[step];
        key = undefined;
        value = isNode(item) ? item : undefined;
      } else {
        return undefined;
      }
    }
    return { key, value };
  }
}

/** A value that is left out has a place (after the colon) but nothing to point at. */
function hasText(node: Node | undefined): boolean {
  return node?.range !== undefined && node.range !== null && node.range[1] > node.range[0];
}

function replaceFrom(
  line: string,
  column: number,
  { replace, by }: { replace: string; by: string },
): string | undefined {
  const start = line.indexOf(replace, column);
  return start === -1 ? undefined : line.slice(0, start) + by + line.slice(start + replace.length);
}
