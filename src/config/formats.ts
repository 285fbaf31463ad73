import type { Diagnostic } from './diagnostics.ts';

export const DIAGNOSTIC_FORMATS = ['text', 'json', 'gitlab-codequality'] as const;

export type DiagnosticFormat = (typeof DIAGNOSTIC_FORMATS)[number];

/** Diagnostics of one file as people, scripts or GitLab's merge request widget want them. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  { format, file }: { format: DiagnosticFormat; file: string },
): string {
  return FORMATTERS[format](diagnostics, file);
}

type Formatter = (diagnostics: readonly Diagnostic[], file: string) => string;

const FORMATTERS: Readonly<Record<DiagnosticFormat, Formatter>> = {
  text: (diagnostics, file) =>
    diagnostics.map((diagnostic) => `${formatText(diagnostic, file)}\n`).join(''),
  json: (diagnostics, file) =>
    printJson(diagnostics.map((diagnostic) => Object.assign({ file }, diagnostic))),
  'gitlab-codequality': (diagnostics, file) => printJson(codeQuality(diagnostics, file)),
};

function printJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** `file:line:column: severity[code]: message`, what to do, and the line as it should be. */
function formatText(
  { severity, code, path, line, column, message, remedy, corrected }: Diagnostic,
  file: string,
): string {
  return [
    `${file}:${line}:${column}: ${severity}[${code}]${path === '' ? '' : ` ${path}`}: ${message}`,
    `    ${remedy}`,
    ...(corrected === undefined ? [] : [`    ${line} | ${corrected}`]),
  ].join('\n');
}

interface CodeQualityIssue {
  readonly description: string;
  readonly check_name: string;
  readonly fingerprint: string;
  readonly severity: 'major' | 'minor';
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } };
}

/**
 * GitLab's code quality report. A fingerprint is of what is wrong where in the document, not of the line, so
 * that a finding that only moved is neither fixed nor new; equal ones are counted.
 */
function codeQuality(diagnostics: readonly Diagnostic[], file: string): CodeQualityIssue[] {
  // Loading it costs 4 ms, which the other formats need not pay.
  const { hash } = process.getBuiltinModule('node:crypto');
  const seen = new Map<string, number>();
  return diagnostics.map(({ severity, code, path, line, message, remedy }) => {
    const identity = JSON.stringify([file, code, path, message]);
    const nth = (seen.get(identity) ?? 0) + 1;
    seen.set(identity, nth);
    return {
      description: `${message} ${remedy}`,
      check_name: code,
      fingerprint: hash('sha256', `${identity} ${nth}`),
      severity: severity === 'error' ? 'major' : 'minor',
      location: { path: file, lines: { begin: line } },
    };
  });
}
