import picomatch from 'picomatch';

import { isAtLeast } from '../domain/role.ts';
import type { ApprovalRule, ProviderSpec, RepoSpec } from '../domain/spec.ts';
import { applyCeilings, readCeiling } from './ceilings.ts';
import type { EffectivePolicy } from './policy.ts';

/** Something that a file asks for and the policy does not grant. */
export interface PolicyFinding {
  /** In the file: `agents.builder.limits.usd`. */
  readonly path: string;
  /** Which key of the policy says so: `ceilings.attempt_usd`. */
  readonly key: string;
  readonly message: string;
  /** The line of the policy that would allow it. */
  readonly remedy: string;
}

export interface AppliedPolicy {
  /** What runs: the file's spec, with every clamp and floor applied. */
  readonly spec: RepoSpec;
  readonly clamped: readonly PolicyFinding[];
  /** A file with any of these is refused. */
  readonly violations: readonly PolicyFinding[];
  readonly warnings: readonly PolicyFinding[];
}

/** Holds a resolved file against what the policy grants its repository. Pure. */
export function applyPolicy(spec: RepoSpec, effective: EffectivePolicy): AppliedPolicy {
  const { rule } = effective;
  const violations: PolicyFinding[] = [];
  const refuse = (path: string, key: string, message: string, allow: string): void => {
    violations.push({ path, key, message, remedy: remedyOf(effective, key, allow) });
  };

  if (rule.allow !== true) {
    refuse('', 'allow', 'The policy does not serve this repository.', 'allow: true');
  }
  for (const [name, agent] of Object.entries(spec.agents)) {
    if (rule.agents !== undefined && !rule.agents.some((allowed) => allowed === name)) {
      refuse(
        `agents.${name}`,
        'agents',
        `The agent \`${name}\` is not allowed here.`,
        `agents: [${[...rule.agents, name].join(', ')}]`,
      );
    }
    for (const host of agent.network.allow) {
      if (!matchesAny(host, rule.network)) {
        refuse(
          `agents.${name}.network.allow`,
          'network',
          `The host \`${host}\` is not allowed here.`,
          `network: [${[...(rule.network ?? []), host].join(', ')}]`,
        );
      }
    }
  }
  for (const { path, provider } of listProviders(spec)) {
    checkProvider(provider, { path, effective, refuse });
  }
  if (spec.merge === 'auto' && rule.auto_merge !== true) {
    refuse('merge', 'auto_merge', '`merge: auto` is not allowed here.', 'auto_merge: true');
  }

  const ceilinged = applyCeilings(spec, rule.ceilings ?? {});
  const floored = applyFloors(ceilinged.spec, effective);
  const findings = [
    ...ceilinged.excesses.map((excess) => ({
      mode: excess.mode,
      finding: {
        path: excess.path,
        key: `ceilings.${excess.ceiling}`,
        message: `\`${excess.path}\` asks for ${excess.asked}; the policy allows ${excess.allowed}.`,
        remedy: remedyOf(
          effective,
          `ceilings.${excess.ceiling}`,
          `ceilings: { ${excess.ceiling}: ${excess.asked} }`,
        ),
      },
    })),
    ...floored.findings,
  ];
  const withMode = (mode: string): PolicyFinding[] =>
    findings.filter((found) => found.mode === mode).map(({ finding }) => finding);

  return {
    spec: floored.spec,
    clamped: withMode('clamp'),
    violations: [...violations, ...withMode('reject')],
    warnings: withMode('warn'),
  };
}

/** What `validateDocument` needs of the policy: the shortest time between two occurrences of a schedule. */
export function minIntervalMs({ rule }: EffectivePolicy): number | undefined {
  return readCeiling(rule.ceilings?.schedule_interval, 'duration')?.max;
}

type Refuse = (path: string, key: string, message: string, allow: string) => void;

function checkProvider(
  { name, model }: ProviderSpec,
  {
    path,
    effective: { rule },
    refuse,
  }: { path: string; effective: EffectivePolicy; refuse: Refuse },
): void {
  if (name === 'command' && rule.command !== true) {
    refuse(path, 'command', 'A program in place of a model is not allowed here.', 'command: true');
  } else if (name !== 'command' && rule.providers?.includes(name) === false) {
    refuse(
      path,
      'providers',
      `The provider \`${name}\` is not allowed here.`,
      `providers: [${[...rule.providers, name].join(', ')}]`,
    );
  }
  if (model !== undefined && !matchesAny(model, rule.models)) {
    refuse(
      path,
      'models',
      `The model \`${model}\` is not allowed here.`,
      `models: [${[...(rule.models ?? []), model].join(', ')}]`,
    );
  }
}

function listProviders(spec: RepoSpec): { path: string; provider: ProviderSpec }[] {
  const lists: [string, readonly ProviderSpec[]][] = [
    ...Object.entries(spec.agents).map(
      ([name, { providers }]): [string, readonly ProviderSpec[]] => [
        `agents.${name}.providers`,
        providers,
      ],
    ),
    ...(['schedules', 'triggers'] as const).flatMap((section) =>
      Object.entries(spec[section]).map(([name, object]): [string, readonly ProviderSpec[]] => [
        `${section}.${name}.with.providers`,
        object.with.providers ?? [],
      ]),
    ),
  ];
  return lists.flatMap(([path, providers]) => providers.map((provider) => ({ path, provider })));
}

interface Judged {
  readonly mode: 'reject' | 'clamp' | 'warn';
  readonly finding: PolicyFinding;
}

/** Every merge rule needs at least as many votes, of at least that role, and there is at least one such rule. */
function applyFloors(
  spec: RepoSpec,
  effective: EffectivePolicy,
): { spec: RepoSpec; findings: Judged[] } {
  const { approvals, role, mode = 'clamp', from } = effective.rule.floors ?? {};
  const findings: Judged[] = [];
  const below = (path: string, key: string, asked: string, least: string): boolean => {
    findings.push({
      mode,
      finding: {
        path,
        key: `floors.${key}`,
        message: `\`${path}\` is ${asked}; the policy wants at least ${least}.`,
        remedy: remedyOf(effective, `floors.${key}`, `floors: { ${key}: ${asked} }`),
      },
    });
    return mode === 'clamp';
  };

  const raised = Object.entries(spec.approvals).map(([name, rule]): [string, ApprovalRule] => {
    if (rule.gate !== 'merge') {
      return [name, rule];
    }
    const path = `approvals.${name}`;
    const more =
      approvals !== undefined &&
      rule.approvals < approvals &&
      below(`${path}.approvals`, 'approvals', String(rule.approvals), String(approvals));
    const higher =
      role !== undefined &&
      !isAtLeast(rule.role, role) &&
      below(`${path}.role`, 'role', rule.role, role);
    return [name, { ...rule, ...(more ? { approvals } : {}), ...(higher ? { role } : {}) }];
  });
  const covers = raised.some(
    ([, { gate, paths, agents }]) => gate === 'merge' && paths.length + agents.length === 0,
  );
  if (
    approvals !== undefined &&
    !covers &&
    below('approvals', 'approvals', '0', String(approvals))
  ) {
    raised.push([
      'policy-default',
      {
        gate: 'merge',
        approvals,
        role: role ?? 'developer',
        users: [],
        groups: [],
        paths: [],
        agents: [],
      },
    ]);
  }
  const triggers = Object.entries(spec.triggers).map(([name, trigger]) => {
    const lower =
      from !== undefined &&
      trigger.from !== 'autodev' &&
      !isAtLeast(trigger.from, from) &&
      below(`triggers.${name}.from`, 'from', trigger.from, from);
    return [name, lower ? { ...trigger, from } : trigger] as const;
  });
  return {
    spec: {
      ...spec,
      agents: protectPaths(spec.agents, effective.rule.floors?.protected_paths ?? []),
      approvals: Object.fromEntries(raised),
      triggers: Object.fromEntries(triggers),
    },
    findings,
  };
}

/** What ops protect, no agent may change: each that may change anything is told so. */
function protectPaths(agents: RepoSpec['agents'], paths: readonly string[]): RepoSpec['agents'] {
  if (paths.length === 0) {
    return agents;
  }
  return Object.fromEntries(
    Object.entries(agents).map(([name, agent]) => {
      const rule = agent.allow.merge_request;
      const allow = rule && { ...agent.allow, merge_request: { ...rule, protectedPaths: paths } };
      return [name, allow ? { ...agent, allow } : agent];
    }),
  );
}

/** Fail closed: what no glob matches is refused. */
function matchesAny(text: string, globs: readonly string[] | undefined): boolean {
  return (globs ?? []).some((glob) => glob === '*' || picomatch.isMatch(text, glob));
}

function remedyOf({ repo, origins }: EffectivePolicy, key: string, allow: string): string {
  const origin = origins.get(key) ?? origins.get(key.split('.')[0] ?? key);
  const where =
    origin === undefined
      ? 'It is denied by default'
      : `Rule ${origin.rule} of ${origin.file} (line ${origin.line}) says so`;
  return `${where}; a later rule would allow it: { repos: ["${repo}"], ${allow} }`;
}
