import type { Diagnostic } from '../config/diagnostics.ts';
import type { ConfigObject } from '../domain/plan.ts';

/** Postgres keeps every text but one with a NUL or half a character (a lone surrogate), which YAML can write. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** What is said about a file quotes the file. */
export function storableDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.map((diagnostic) => ({
    ...diagnostic,
    path: storableText(diagnostic.path),
    message: storableText(diagnostic.message),
    remedy: storableText(diagnostic.remedy),
    ...(diagnostic.corrected !== undefined && { corrected: storableText(diagnostic.corrected) }),
  }));
}

/** An error for the first object that holds a text which cannot be stored; undefined when all can. */
export function unstorableText(objects: readonly ConfigObject[]): Diagnostic | undefined {
  const object = objects.find(({ name, spec }) => !isStorable(name) || !isStorable(spec));
  return (
    object && {
      severity: 'error',
      code: 'control_character',
      path: storableText(`${object.kind}.${object.name}`),
      line: object.line,
      column: 1,
      message: `A text of the ${object.kind} ${storableText(object.name)} holds a NUL or half a character.`,
      remedy: 'Take `\\0` or the lone `\\uD800` to `\\uDFFF` out of it, or of the file it names.',
    }
  );
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') {
    return value.isWellFormed() && !value.includes('\0');
  }
  return typeof value === 'object' && value !== null
    ? Object.entries(value).every(([key, part]) => isStorable(key) && isStorable(part))
    : true;
}
