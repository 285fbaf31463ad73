import type { RepoSpec } from '../domain/spec.ts';
import type { PolicyFinding } from './apply-policy.ts';
import { applyPolicy, minIntervalMs } from './apply-policy.ts';
import { checkConfig } from './check-config.ts';
import type { Diagnostic, DiagnosticCode, DocumentPath, Severity } from './diagnostics.ts';
import { sortDiagnostics } from './diagnostics.ts';
import type { LoadedConfig, LoadOptions } from './load.ts';
import { digestObjects, listObjects } from './objects.ts';
import type { EffectivePolicy } from './policy.ts';

/**
 * Loads an autodev.yaml as the policy lets it run: over the policy's defaults, clamped to its ceilings, and refused
 * where it asks for what is not granted. Findings of the policy stand at the object that they are about.
 */
export async function loadUnderPolicy(
  source: string | Uint8Array,
  effective: EffectivePolicy,
  options: Omit<LoadOptions, 'policyDefaults' | 'minIntervalMs'>,
): Promise<LoadedConfig> {
  const interval = minIntervalMs(effective);
  const checked = await checkConfig(source, {
    ...options,
    ...(effective.rule.defaults && { policyDefaults: effective.rule.defaults }),
    ...(interval !== undefined && { minIntervalMs: interval }),
  });
  if (!checked.ok) {
    return checked;
  }

  const { lineOf, ...loaded } = checked;
  const lineOfObject = (path: DocumentPath): number =>
    path.length === 0 || isStated(loaded.spec, path) ? lineOf(path) : 1;
  const { spec, clamped, violations, warnings } = applyPolicy(loaded.spec, effective);
  const diagnose =
    (severity: Severity, code: DiagnosticCode) =>
    ({ path, message, remedy }: PolicyFinding): Diagnostic => {
      const line = lineOfObject(path.split('.').slice(0, 2));
      return { severity, code, path, line, column: 1, message, remedy };
    };
  const diagnostics = sortDiagnostics([
    ...loaded.diagnostics,
    ...violations.map(diagnose('error', 'policy_violation')),
    ...clamped.map(diagnose('warning', 'policy_clamped')),
    ...warnings.map(diagnose('warning', 'policy_warning')),
  ]);
  if (violations.length > 0) {
    return { ok: false, diagnostics, files: loaded.files };
  }

  const objects = listObjects(spec, lineOfObject);
  return { ...loaded, spec, objects, digest: digestObjects(objects), diagnostics };
}

/** Whether a path is that of an object of the file, by itself or by a default: `agents.builder`. */
function isStated(
  { agents, schedules, triggers, budgets, approvals }: RepoSpec,
  [section = '', name = '']: DocumentPath,
): boolean {
  const sections: Readonly<Record<string, object>> = {
    agents,
    schedules,
    triggers,
    budgets,
    approvals,
  };
  return Object.hasOwn(sections[section] ?? {}, name);
}
