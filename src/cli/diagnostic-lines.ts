import type { Output } from './output.ts';
import { oneLine } from './output.ts';

/** Diagnostics of an autodev.yaml as `line:column  message`, with what to do and the corrected line below. */
export function diagnosticLines({ paint }: Output, diagnostics: readonly unknown[]): string {
  return diagnostics
    .map((diagnostic) => {
      const { severity, line, column, message, remedy, corrected } = fieldsOf(diagnostic);
      const place =
        typeof line === 'number' && typeof column === 'number'
          ? `autodev.yaml:${line}:${column} `
          : '';
      const word = severity === 'warning' ? paint('yellow', '▲ warning') : paint('red', '✖ error');
      return [
        `${place}${word} ${text(message)}`,
        ...(typeof remedy === 'string' ? [`  ${text(remedy)}`] : []),
        ...(typeof corrected === 'string' ? [`  ${paint('green', text(corrected))}`] : []),
      ].join('\n');
    })
    .join('\n');
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? oneLine(value) : '';
}
