/**
 * What can be said about a file. A code is public API: scripts and editors match it, so none is renamed.
 * Every code has a test that shows it with its line, its column and its remedy.
 */
export type DiagnosticCode =
  | 'too_large'
  | 'invalid_encoding'
  | 'control_character'
  | 'too_deep'
  | 'not_a_regular_file'
  | 'empty_file'
  | 'not_a_mapping'
  | 'several_documents'
  | 'duplicate_key'
  | 'forbidden_key'
  | 'merge_key'
  | 'alias_limit'
  | 'yaml_syntax'
  | 'yaml_warning'
  | 'tab_indentation'
  | 'unquoted_braces'
  | 'unquoted_star'
  | 'unquoted_at'
  | 'unquoted_bang'
  | 'unquoted_hash'
  | 'unquoted_colon'
  | 'number_for_name'
  | 'empty_value'
  | 'unknown_key'
  | 'unknown_value'
  | 'missing_key'
  | 'wrong_type'
  | 'invalid_name'
  | 'invalid_value'
  | 'invalid_quantity'
  | 'missing_unit'
  | 'out_of_range'
  | 'unsupported_version'
  | 'duplicate_item'
  | 'invalid_cron'
  | 'cron_never'
  | 'interval_too_short'
  | 'invalid_timezone'
  | 'invalid_date'
  | 'date_passed'
  | 'file_not_found'
  | 'file_too_large'
  | 'agent_not_listed'
  | 'agent_disabled'
  | 'agent_never_started'
  | 'provider_incomplete'
  | 'budget_too_small'
  | 'budget_without_limit'
  | 'rule_without_effect'
  | 'not_yet_effective'
  | 'policy_violation'
  | 'policy_clamped'
  | 'policy_warning';

export type Severity = 'error' | 'warning';

/** One thing to know about a file, where it stands, and what to do about it. */
export interface Diagnostic {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  /** Where in the document, with dots: `agents.builder.limits.usd`, `schedules.nightly.when.changed.0`; '' is all. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  readonly message: string;
  /** What to do, as a sentence. */
  readonly remedy: string;
  /** The line as it should stand in the file, where that can be said. */
  readonly corrected?: string;
}

/** Keys of a mapping and positions in a list, from the top of the document. */
export type DocumentPath = readonly (string | number)[];

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

/** In the order of the file; what stands at one place is told once per code. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics
    .filter(({ code, line, column, path }) => {
      const key = `${code} ${line}:${column} ${path}`;
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.line - b.line || a.column - b.column || a.code.localeCompare(b.code));
}
