import type { ProviderName, RepoSpec } from '../domain/spec.ts';
import { AUTODEV_QUANTITIES } from './autodev-quantities.generated.ts';
import { validate } from './autodev-validator.generated.js';
import type { AutodevConfig, Instructions } from './autodev.generated.ts';
import { checkAgents } from './check-agents.ts';
import { checkApprovals, checkBudgets } from './check-budgets.ts';
import { checkQuantities } from './check-quantities.ts';
import { checkSchedules } from './check-schedules.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import { hasErrors } from './diagnostics.ts';
import { checkNotYet } from './not-yet.ts';
import { listAgents, resolveConfig } from './resolve.ts';
import type { SourceDocument } from './source-document.ts';

export interface Validated {
  /** Undefined when the file has errors. */
  readonly config: AutodevConfig | undefined;
  /** As it means without a policy and without the files that it names; undefined when the file has errors. */
  readonly spec: RepoSpec | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ValidateOptions {
  /** The shortest time between two occurrences of a schedule; 5 minutes where nobody says otherwise. */
  readonly minIntervalMs?: number | undefined;
  /** The present, for what may have passed; left out: it is not asked. */
  readonly now?: Date | undefined;
  /** The providers that a file which names none takes. Undefined: both. */
  readonly credentials?: readonly ProviderName[] | undefined;
}

const MIN_INTERVAL_MS = 5 * 60_000;
const SCHEMA = 'autodev.schema.json';

/** Everything that can be said of a document without reading another file. */
export async function validateDocument(
  document: SourceDocument,
  { minIntervalMs = MIN_INTERVAL_MS, now, credentials }: ValidateOptions = {},
): Promise<Validated> {
  const value: unknown = document.value;
  if (!validate(value)) {
    // Only a file with problems has to wait for what explains them (1 ms).
    const { explainProblems } = await import('./schema-problems.ts');
    return {
      config: undefined,
      spec: undefined,
      diagnostics: explainProblems(document, SCHEMA, validate.errors ?? []),
    };
  }
  const quantities = checkQuantities(document, AUTODEV_QUANTITIES);
  if (quantities.length > 0) {
    return { config: undefined, spec: undefined, diagnostics: quantities };
  }

  const spec = resolveConfig(value, { ...(credentials && { credentials }) });
  const diagnostics = [
    ...(await checkSchedules(document, value, { minIntervalMs, now })),
    ...(await checkAgents(document, value, spec)),
    ...checkBudgets(document, value, spec),
    ...checkApprovals(document, value),
    ...checkNotYet(document),
  ];
  return hasErrors(diagnostics)
    ? { config: undefined, spec: undefined, diagnostics }
    : { config: value, spec, diagnostics };
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
