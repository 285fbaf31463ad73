import type { Repo } from '../db/views/repo-list.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';
import { textTable } from './text-table.ts';

/** Repositories as a list shows them. */
export function repoTable(output: Output, repos: readonly Repo[]): string {
  if (repos.length === 0) {
    return 'No repository is registered. `autodev repos add PATH` adds one.';
  }
  return textTable(
    ['ID', 'REPOSITORY', 'STATE', 'COMMIT', 'RUNNING', 'QUEUED', 'WAITING', 'REVIEW', 'GATES'],
    repos.map((repo) => [
      repo.id,
      oneLine(repo.path),
      repoState(output, repo),
      repo.revision?.commit.slice(0, 8) ?? '–',
      ...['running', 'queued', 'waiting', 'review'].map((state) => String(repo.jobs[state] ?? 0)),
      String(repo.open_gates),
    ]),
    output,
  );
}

/** In one word, with a shape: is what the file says in force? */
export function repoState({ paint }: Pick<Output, 'paint'>, repo: Repo): string {
  if (repo.suspended !== null) {
    return paint('yellow', '◌ suspended');
  }
  if (repo.diagnostics.some(isError)) {
    return paint('red', '✖ invalid file');
  }
  if (repo.conditions.some(isUnreadable)) {
    return paint('red', '✖ cannot be read');
  }
  if (repo.held !== null) {
    return paint('yellow', '▲ held');
  }
  return repo.revision === null ? paint('dim', '○ not read yet') : paint('green', '✔ in force');
}

function isUnreadable(condition: unknown): boolean {
  const { type, status }: Record<string, unknown> =
    typeof condition === 'object' && condition !== null ? { ...condition } : {};
  return type === 'SourceReady' && status === 'False';
}

export function isError(diagnostic: unknown): boolean {
  return (
    typeof diagnostic === 'object' &&
    diagnostic !== null &&
    (!('severity' in diagnostic) || diagnostic.severity === 'error')
  );
}

/** What conditions say of a file that is missing, a source that cannot be read, a plan that is held. */
export function troubles(conditions: readonly unknown[]): string[] {
  const messages = conditions.flatMap((condition) => {
    const { type, status, message } = fieldsOf(condition);
    const stands =
      (type === 'Stalled' && status === 'True') || (type === 'SourceReady' && status === 'False');
    return stands && typeof message === 'string' ? [oneLine(message)] : [];
  });
  return [...new Set(messages)];
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
