import { validate } from './autodev-validator.generated.js';
import type { AutodevConfig, Instructions } from './autodev.generated.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import { listAgents } from './resolve.ts';
import type { SourceDocument } from './source-document.ts';

export interface Validated {
  /** Undefined when the file does not fit its schema. */
  readonly config: AutodevConfig | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function validateDocument(document: SourceDocument): Validated {
  const value: unknown = document.value;
  if (!validate(value)) {
    const diagnostics = (validate.errors ?? []).map((problem) =>
      document.diagnose(problem.instancePath.split('/').slice(1), {
        code: 'invalid_value',
        message: `${problem.keyword} ${JSON.stringify(problem.params)}`,
        remedy: 'Correct it.',
      }),
    );
    return { config: undefined, diagnostics };
  }
  return { config: value, diagnostics: [] };
}

/** The files that a configuration names, with where it names them. */
export function namedFiles(config: AutodevConfig): { file: string; path: DocumentPath }[] {
  const named: { file: string; path: DocumentPath }[] = [];
  const add = (instructions: Instructions | undefined, path: DocumentPath): void => {
    if (typeof instructions === 'object' && instructions.file !== undefined) {
      named.push({ file: instructions.file, path: [...path, 'instructions', 'file'] });
    }
  };
  for (const [agent, { instructions }] of listAgents(config)) {
    add(instructions, ['agents', agent]);
  }
  for (const section of ['schedules', 'triggers'] as const) {
    for (const [name, object] of Object.entries(config[section] ?? {})) {
      add(object?.with?.instructions, [section, name, 'with']);
    }
  }
  return named;
}
