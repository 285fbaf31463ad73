import type { Output } from './output.ts';
import { oneLine } from './output.ts';
import { textTable } from './text-table.ts';

interface Saying {
  key: string;
  value: unknown;
  origin?: { file: string; rule: number; line: number } | null | undefined;
}

/** What a policy says of a repository, a line for each key, with the rule that says so. */
export function policyTable(output: Output, policy: readonly Saying[]): string {
  return textTable(
    ['KEY', 'VALUE', 'FROM'],
    policy.map(({ key, value, origin }) => [
      key,
      oneLine(typeof value === 'string' ? value : JSON.stringify(value)),
      origin ? oneLine(`${origin.file}:${origin.line} (rule ${origin.rule})`) : 'built in',
    ]),
    output,
  );
}
