import { isAgent } from '../domain/agent.ts';
import type { AgentSpec, BudgetSpec, Period, RepoSpec } from '../domain/spec.ts';
import { DEFAULT_BUDGETS } from './defaults.ts';
import type { Ceilings, Enforce } from './policy.generated.ts';
import { formatQuantity, parseQuantity } from './quantity.ts';
import type { QuantityKind } from './quantity.ts';

/** One value of a resolved file that is above what the policy allows. */
export interface Excess {
  readonly ceiling: keyof Ceilings;
  /** In the file: `agents.builder.limits.usd`. */
  readonly path: string;
  readonly asked: string;
  readonly allowed: string;
  readonly mode: Enforce;
}

type Kind = QuantityKind | 'count';

interface AgentCeiling {
  readonly ceiling: keyof Ceilings;
  readonly path: string;
  readonly kind: Kind;
  readonly get: (agent: AgentSpec) => number | undefined;
  readonly set: (agent: AgentSpec, value: number) => AgentSpec;
}

const limit = (
  ceiling: keyof Ceilings,
  path: string,
  kind: Kind,
  key: Exclude<keyof AgentSpec['limits'], 'jobMicroUsd' | 'jobTokens'>,
): AgentCeiling => ({
  ceiling,
  path: `limits.${path}`,
  kind,
  get: ({ limits }) => limits[key],
  set: (agent, value) => ({ ...agent, limits: { ...agent.limits, [key]: value } }),
});

const AGENT_CEILINGS: readonly AgentCeiling[] = [
  limit('attempt_tokens', 'tokens', 'tokens', 'tokens'),
  limit('attempt_usd', 'usd', 'usd', 'microUsd'),
  limit('attempt_turns', 'turns', 'count', 'turns'),
  limit('attempt_wall', 'wall', 'duration', 'wallMs'),
  limit('attempt_memory', 'memory', 'bytes', 'memoryBytes'),
  limit('attempts', 'attempts', 'count', 'attempts'),
  limit('lifetime', 'lifetime', 'duration', 'lifetimeMs'),
  {
    ceiling: 'concurrency',
    path: 'concurrency',
    kind: 'count',
    get: ({ concurrency }) => concurrency,
    set: (agent, concurrency) => ({ ...agent, concurrency }),
  },
  {
    ceiling: 'open_merge_requests',
    path: 'max_open_merge_requests',
    kind: 'count',
    get: ({ maxOpenMergeRequests }) => maxOpenMergeRequests,
    set: (agent, maxOpenMergeRequests) => ({ ...agent, maxOpenMergeRequests }),
  },
  {
    ceiling: 'max_patch',
    path: 'allow.merge_request.max_patch',
    kind: 'bytes',
    get: ({ allow }) => allow.merge_request?.maxPatchBytes,
    set: (agent, maxPatchBytes) => ({
      ...agent,
      allow: {
        ...agent.allow,
        ...(agent.allow.merge_request && {
          merge_request: { ...agent.allow.merge_request, maxPatchBytes },
        }),
      },
    }),
  },
];

const BUDGET_CEILINGS = [
  { ceiling: 'usd_per_day', per: 'day', kind: 'usd', unit: 'microUsd' },
  { ceiling: 'usd_per_month', per: 'month', kind: 'usd', unit: 'microUsd' },
  { ceiling: 'tokens_per_day', per: 'day', kind: 'tokens', unit: 'tokens' },
] as const;

/** The spec with every limit at most as high as the ceilings that clamp, and everything that was above one. */
export function applyCeilings(
  spec: RepoSpec,
  ceilings: Ceilings,
): { spec: RepoSpec; excesses: Excess[] } {
  const excesses: Excess[] = [];
  const agents = Object.fromEntries(
    Object.entries(spec.agents).map(([name, agent]) => [
      name,
      isAgent(name) ? clampAgent(agent, { path: `agents.${name}`, ceilings, excesses }) : agent,
    ]),
  );
  // What a schedule or trigger states of its own was cut to the agent's asking, not to the ceiling.
  const narrowed = <T extends { with: RepoSpec['schedules'][string]['with'] }>(
    objects: Readonly<Record<string, T>>,
  ) =>
    Object.fromEntries(
      Object.entries(objects).map(([name, object]) => [name, clampNarrowing(object, ceilings)]),
    );
  const budgets = clampBudgets(spec.budgets, { ceilings, excesses });
  for (const [ceiling, asked] of [
    ['schedules', Object.keys(spec.schedules).length],
    ['triggers', Object.keys(spec.triggers).length],
  ] as const) {
    const top = readCeiling(ceilings[ceiling], 'count');
    if (top !== undefined && asked > top.max) {
      excesses.push({
        ceiling,
        path: ceiling,
        asked: String(asked),
        allowed: String(top.max),
        mode: top.mode === 'clamp' ? 'reject' : top.mode,
      });
    }
  }
  return {
    spec: {
      ...spec,
      agents,
      budgets,
      schedules: narrowed(spec.schedules),
      triggers: narrowed(spec.triggers),
    },
    excesses,
  };
}

interface Context {
  readonly ceilings: Ceilings;
  readonly excesses: Excess[];
}

function clampAgent(
  agent: AgentSpec,
  { path, ceilings, excesses }: Context & { path: string },
): AgentSpec {
  return AGENT_CEILINGS.reduce((current, { ceiling, path: key, kind, get, set }) => {
    const top = readCeiling(ceilings[ceiling], kind);
    const asked = get(current);
    if (top === undefined || asked === undefined || asked <= top.max) {
      return current;
    }
    excesses.push({
      ceiling,
      path: `${path}.${key}`,
      asked: show(kind, asked),
      allowed: show(kind, top.max),
      mode: top.mode,
    });
    return top.mode === 'clamp' ? set(current, top.max) : current;
  }, agent);
}

function clampNarrowing<T extends { with: RepoSpec['schedules'][string]['with'] }>(
  object: T,
  ceilings: Ceilings,
): T {
  const { limits } = object.with;
  if (limits === undefined) {
    return object;
  }
  const low = (value: number, ceiling: keyof Ceilings, kind: Kind): number => {
    const top = readCeiling(ceilings[ceiling], kind);
    return top?.mode === 'clamp' ? Math.min(value, top.max) : value;
  };
  return {
    ...object,
    with: {
      ...object.with,
      limits: {
        ...limits,
        tokens: low(limits.tokens, 'attempt_tokens', 'tokens'),
        microUsd: low(limits.microUsd, 'attempt_usd', 'usd'),
        turns: low(limits.turns, 'attempt_turns', 'count'),
        wallMs: low(limits.wallMs, 'attempt_wall', 'duration'),
        memoryBytes: low(limits.memoryBytes, 'attempt_memory', 'bytes'),
        attempts: low(limits.attempts, 'attempts', 'count'),
        lifetimeMs: low(limits.lifetimeMs, 'lifetime', 'duration'),
      },
    },
  };
}

/** A repository without a budget of that unit and period gets the ceiling as one: no limit is above every limit. */
function clampBudgets(
  budgets: RepoSpec['budgets'],
  { ceilings, excesses }: Context,
): RepoSpec['budgets'] {
  const clamped: Record<string, BudgetSpec> = { ...budgets };
  for (const { ceiling, per, kind, unit } of BUDGET_CEILINGS) {
    const top = readCeiling(ceilings[ceiling], kind);
    if (top === undefined) {
      continue;
    }
    const own = Object.entries(clamped).filter(
      ([, budget]) => budget.scope === 'repo' && budget.per === per && budget[unit] !== undefined,
    );
    if (own.length === 0) {
      clamped[`policy-${ceiling.replaceAll('_', '-')}`] = policyBudget(per, { [unit]: top.max });
    }
    // Several hold together, so the lowest is the one that counts.
    const lowest = Math.min(...own.map(([, budget]) => budget[unit] ?? Infinity));
    if (own.length > 0 && lowest > top.max) {
      for (const [name, budget] of own) {
        excesses.push({
          ceiling,
          path: `budgets.${name}.${kind}`,
          asked: show(kind, budget[unit] ?? 0),
          allowed: show(kind, top.max),
          mode: top.mode,
        });
        if (top.mode === 'clamp') {
          clamped[name] = { ...budget, [unit]: top.max };
        }
      }
    }
  }
  return clamped;
}

function policyBudget(per: Period, cap: Partial<BudgetSpec>): BudgetSpec {
  return {
    scope: 'repo',
    per,
    warn: DEFAULT_BUDGETS['daily']?.warn ?? 0.8,
    onExhausted: 'question',
    ...cap,
  };
}

type CeilingConfig = Ceilings[keyof Ceilings];

/** A bare value is short for `{ max: …, mode: reject }`. */
export function readCeiling(
  config: CeilingConfig,
  kind: Kind,
): { max: number; mode: Enforce } | undefined {
  if (config === undefined) {
    return undefined;
  }
  const { value, mode } =
    typeof config === 'object'
      ? { value: 'max' in config ? config.max : config.min, mode: config.mode }
      : { value: config, mode: undefined };
  const max = kind === 'count' ? Number(value) : parseQuantity(kind, value);
  return max === undefined ? undefined : { max, mode: mode ?? 'reject' };
}

function show(kind: Kind, value: number): string {
  return String(kind === 'count' ? value : formatQuantity(kind, value));
}
