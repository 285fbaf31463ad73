import picomatch from 'picomatch';

import { PROVIDERS } from '../domain/spec.ts';
import { checkQuantities } from './check-quantities.ts';
import { checkDenyWindows } from './deny-windows.ts';
import type { Diagnostic } from './diagnostics.ts';
import { hasErrors, sortDiagnostics } from './diagnostics.ts';
import { POLICY_QUANTITIES } from './policy-quantities.generated.ts';
import { validate } from './policy-validator.generated.js';
import type { Policy, PolicyRule } from './policy.generated.ts';
import { readDocument } from './read.ts';
import { explainProblems } from './schema-problems.ts';

/** A policy file that was read, and where each of its rules stands. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly file: string;
  /** The line of `rules[i].<key>`; of the rule where the key is not there. */
  readonly lineOf: (rule: number, key?: string) => number;
}

export type PolicyResult =
  | {
      readonly ok: true;
      readonly policy: LoadedPolicy;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const SCHEMA = 'policy.schema.json';

/** Reads and validates a policy file. Expected problems are diagnostics, never thrown. */
export function loadPolicy(source: string | Uint8Array, file = 'policy.yaml'): PolicyResult {
  const { document, diagnostics } = readDocument(source, { name: file });
  if (document === undefined) {
    return { ok: false, diagnostics: sortDiagnostics(diagnostics) };
  }
  const value: unknown = document.value;
  if (!validate(value)) {
    const problems = explainProblems(document, SCHEMA, validate.errors ?? []);
    return { ok: false, diagnostics: sortDiagnostics([...diagnostics, ...problems]) };
  }
  const all = sortDiagnostics([
    ...diagnostics,
    ...checkQuantities(document, POLICY_QUANTITIES),
    ...checkDenyWindows(document, value),
  ]);
  if (hasErrors(all)) {
    return { ok: false, diagnostics: all };
  }
  const lineOf = (rule: number, key?: string): number =>
    document.lineOf(['rules', rule, ...(key === undefined ? [] : [key])]);
  return { ok: true, policy: { policy: value, file, lineOf }, diagnostics: all };
}

/** Without a policy file, on one machine: whoever runs the product owns the repositories, so programs may run. */
export function localPolicy(): LoadedPolicy {
  const rule: PolicyRule = {
    repos: ['**'],
    allow: true,
    command: true,
    providers: [...PROVIDERS],
    network: ['*'],
    secrets: ['*'],
    change_control: { merge_request: 'optional', agent_authored: 'hold', loosening: 'apply' },
    ceilings: { schedule_interval: '1m' },
  };
  return {
    policy: { version: 1, rules: [rule] },
    file: 'the built-in policy for one machine',
    lineOf: () => 1,
  };
}

/** Which rule set a key: its number in the file (from 1) and its line. */
interface Origin {
  readonly file: string;
  readonly rule: number;
  readonly line: number;
}

/** What holds for one repository: each key from the last rule that matches and names it. */
export interface EffectivePolicy {
  readonly repo: string;
  readonly rule: Omit<PolicyRule, 'repos'>;
  /** A key that is missing has its built-in default. Mappings (`ceilings`, `floors`, …) are merged key by key. */
  readonly origins: ReadonlyMap<string, Origin>;
}

const BUILT_IN = {
  allow: false,
  providers: ['codex', 'claude'],
  models: ['*'],
  command: false,
  presets: [],
  network: [],
  secrets: [],
  auto_merge: false,
} satisfies Omit<PolicyRule, 'repos'>;

/** The keys whose members are decided one by one. */
const MERGED = ['ceilings', 'floors', 'change_control', 'prune', 'defaults'] as const;

export function effectivePolicy(
  { policy, file, lineOf }: LoadedPolicy,
  repo: string,
): EffectivePolicy {
  let effective: Omit<PolicyRule, 'repos'> = BUILT_IN;
  const origins = new Map<string, Origin>();

  for (const [i, { repos, ...rule }] of (policy.rules ?? []).entries()) {
    if (!repos.some((glob) => matchesRepo(glob, repo))) {
      continue;
    }
    const merged = Object.fromEntries(
      MERGED.filter((key) => rule[key] !== undefined).map((key) => [
        key,
        { ...effective[key], ...rule[key] },
      ]),
    );
    // A denial beats everything: no later rule takes one away.
    const denied = [...(effective.deny_windows ?? []), ...(rule.deny_windows ?? [])];
    effective = {
      ...effective,
      ...rule,
      ...merged,
      ...(denied.length > 0 && { deny_windows: denied }),
    };
    for (const [key, value] of Object.entries(rule)) {
      const origin = { file, rule: i + 1, line: lineOf(i, key) };
      origins.set(key, origin);
      if (MERGED.some((name) => name === key)) {
        for (const member of Object.keys(value)) {
          origins.set(`${key}.${member}`, origin);
        }
      }
    }
  }
  return { repo, rule: effective, origins };
}

/** Local repositories have absolute paths; `**` means those as well. */
export function matchesRepo(glob: string, repo: string): boolean {
  return (
    glob === '**' || picomatch.isMatch(repo.replace(/^\/+/, ''), glob, { dot: true, nocase: true })
  );
}

export interface Explanation {
  readonly key: string;
  readonly value: unknown;
  /** Undefined: the built-in default. */
  readonly origin: Origin | undefined;
}

/** What a policy says of a repository, key by key, or of one key (`ceilings.attempt_usd`), and which rule says it. */
export function explainPolicy(effective: EffectivePolicy, key?: string): Explanation[] {
  const all = Object.entries(effective.rule).flatMap(([name, value]): Explanation[] =>
    MERGED.some((merged) => merged === name) && typeof value === 'object' && !Array.isArray(value)
      ? Object.entries(value).map(([member, inner]) => explained(`${name}.${member}`, inner))
      : [explained(name, value)],
  );
  function explained(name: string, value: unknown): Explanation {
    return { key: name, value, origin: effective.origins.get(name) };
  }
  return key === undefined
    ? all
    : all.filter(({ key: name }) => name === key || name.startsWith(`${key}.`));
}
