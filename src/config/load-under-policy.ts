import type { ConfigKind, ConfigObject } from '../domain/plan.ts';
import type { PolicyFinding } from './apply-policy.ts';
import { applyPolicy, minIntervalMs } from './apply-policy.ts';
import type { Diagnostic, DiagnosticCode, Severity } from './diagnostics.ts';
import { sortDiagnostics } from './diagnostics.ts';
import type { LoadedConfig, LoadOptions } from './load.ts';
import { loadConfig } from './load.ts';
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
  const loaded = await loadConfig(source, {
    ...options,
    ...(effective.rule.defaults && { policyDefaults: effective.rule.defaults }),
    ...(interval !== undefined && { minIntervalMs: interval }),
  });
  if (!loaded.ok) {
    return loaded;
  }

  const { spec, clamped, violations, warnings } = applyPolicy(loaded.spec, effective);
  const diagnose = (severity: Severity, code: DiagnosticCode) => (finding: PolicyFinding) =>
    diagnosticOf(finding, { severity, code, objects: loaded.objects });
  const diagnostics = sortDiagnostics([
    ...loaded.diagnostics,
    ...violations.map(diagnose('error', 'policy_violation')),
    ...clamped.map(diagnose('warning', 'policy_clamped')),
    ...warnings.map(diagnose('warning', 'policy_warning')),
  ]);
  if (violations.length > 0) {
    return { ok: false, diagnostics, files: loaded.files };
  }

  const lines = new Map(loaded.objects.map(({ kind, name, line }) => [`${kind}/${name}`, line]));
  const objects = listObjects(spec).map((object) => ({
    ...object,
    line: lines.get(`${object.kind}/${object.name}`) ?? object.line,
  }));
  return { ...loaded, spec, objects, digest: digestObjects(objects), diagnostics };
}

const KINDS: Readonly<Record<string, ConfigKind>> = {
  agents: 'agent',
  schedules: 'schedule',
  triggers: 'trigger',
  budgets: 'budget',
  approvals: 'approval',
};

function diagnosticOf(
  { path, message, remedy }: PolicyFinding,
  {
    severity,
    code,
    objects,
  }: { severity: Severity; code: DiagnosticCode; objects: readonly ConfigObject[] },
): Diagnostic {
  const [section = '', name] = path.split('.');
  const object = objects.find((each) => each.kind === KINDS[section] && each.name === name);
  return { severity, code, path, line: object?.line ?? 1, column: 1, message, remedy };
}
