import type { Document, LineCounter, YAMLError } from 'yaml';
import { isScalar, visit } from 'yaml';

import type { Diagnostic, DiagnosticCode } from './diagnostics.ts';

interface Source {
  readonly text: string;
  readonly lineCounter: LineCounter;
}

/** A diagnostic about the file as a whole. */
export function refuse(
  code: DiagnosticCode,
  { message, remedy }: { message: string; remedy: string },
): Diagnostic {
  return { severity: 'error', code, path: '', line: 1, column: 1, message, remedy };
}

/** What the YAML parser says, in our words. */
export function yamlProblem(problem: YAMLError, { lineCounter }: Source): Diagnostic {
  const { line, col } = lineCounter.linePos(problem.pos[0]);
  return {
    severity: 'error',
    code: problem.name === 'YAMLWarning' ? 'yaml_warning' : 'yaml_syntax',
    path: '',
    line,
    column: col,
    message: problem.message,
    remedy: 'Correct the YAML at this place.',
  };
}

/** What YAML reads without complaint and means something else. */
export function findTraps(document: Document, { lineCounter }: Source): Diagnostic[] {
  const found: Diagnostic[] = [];
  visit(document, {
    Pair(_, { key }) {
      const name = isScalar(key) ? key.value : undefined;
      const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
      if (name === '__proto__' || name === '<<') {
        const { line, col } = lineCounter.linePos(offset);
        found.push({
          severity: 'error',
          code: name === '<<' ? 'merge_key' : 'forbidden_key',
          path: '',
          line,
          column: col,
          message: `The key \`${name}\` is not accepted.`,
          remedy: 'Write the keys out.',
        });
      }
    },
  });
  return found;
}
