import { AGENTS } from '../domain/agent.ts';
import type { Agent } from '../domain/agent.ts';
import type {
  AgentSpec,
  ApprovalRule,
  BudgetSpec,
  ProviderName,
  ProviderSpec,
  RepoSpec,
  ScheduleSpec,
  TriggerSpec,
} from '../domain/spec.ts';
import { amount } from './amount.ts';
import type {
  AgentConfig,
  ApprovalConfig,
  AutodevConfig,
  BudgetConfig,
  ScheduleConfig,
  TriggerConfig,
} from './autodev.generated.ts';
import { compact } from './compact.ts';
import { DEFAULT_APPROVAL, DEFAULT_BUDGETS, DEFAULT_MEMORY_KEEP_MS } from './defaults.ts';
import { mergeUnder } from './merge-under.ts';
import type { PolicyDefaults } from './policy.generated.ts';
import { resolveAgent, resolveNarrowing, resolveProvider } from './resolve-agent.ts';

export interface ResolveOptions {
  /** The providers that have a credential; a file that names none takes those. Undefined: both. */
  readonly credentials?: readonly ProviderName[];
  /** Lies under the file. */
  readonly policyDefaults?: PolicyDefaults;
  /** The texts of the files that the configuration names. */
  readonly files?: ReadonlyMap<string, string>;
}

/**
 * Fills in every default of a validated file and turns every quantity into a number. Pure: the same inputs give
 * the same spec. Defaults fill per key; `null` removes a budget or a rule.
 */
export function resolveConfig(
  file: AutodevConfig,
  { credentials, policyDefaults = {}, files = new Map() }: ResolveOptions = {},
): RepoSpec {
  const config = mergeUnder(file, policyDefaults);
  const timezone = config.timezone ?? 'UTC';
  const mode = config.mode ?? 'live';
  const providers = config.providers?.map(resolveProvider) ?? defaultProviders(credentials);

  const agents: Partial<Record<Agent, AgentSpec>> = {};
  const entries = listAgents(config);
  const listed = entries.map(([agent]) => agent);
  for (const [agent, agentConfig] of entries) {
    agents[agent] = resolveAgent(agent, agentConfig, { mode, providers, files, listed });
  }

  return {
    version: 1,
    timezone,
    mode,
    agents: compact(agents),
    schedules: mapStated(config.schedules, (schedule) =>
      resolveSchedule(schedule, { agents, files, timezone }),
    ),
    triggers: mapStated(config.triggers, (trigger) => resolveTrigger(trigger, { agents, files })),
    budgets: resolveBudgets(config.budgets ?? {}),
    approvals: resolveApprovals(config.approvals ?? {}),
    merge: config.merge ?? 'human',
    memory: { keepMs: amount('duration', config.memory?.keep) ?? DEFAULT_MEMORY_KEEP_MS },
    links: { allow: config.links?.allow ?? [] },
  };
}

/** The agents of a file in the order of the roles, whichever form it uses. */
export function listAgents({ agents }: Pick<AutodevConfig, 'agents'>): [Agent, AgentConfig][] {
  return AGENTS.flatMap((agent): [Agent, AgentConfig][] => {
    const config = Array.isArray(agents)
      ? agents.includes(agent)
        ? {}
        : undefined
      : agents[agent];
    return config === undefined ? [] : [[agent, config]];
  });
}

function defaultProviders(credentials: readonly ProviderName[] | undefined): ProviderSpec[] {
  return (['codex', 'claude'] as const)
    .filter((name) => credentials === undefined || credentials.includes(name))
    .map((name) => ({ name }));
}

interface Surroundings {
  readonly agents: Partial<Record<Agent, AgentSpec>>;
  readonly files: ReadonlyMap<string, string>;
}

function resolveSchedule(
  config: ScheduleConfig,
  { agents, files, timezone }: Surroundings & { timezone: string },
): ScheduleSpec {
  return {
    agent: config.agent,
    enabled: config.enabled ?? true,
    cron: config.cron,
    timezone,
    with: resolveNarrowing(agents[config.agent], config.with ?? {}, files),
    when: compact({ changed: config.when?.changed }),
    overlap: config.overlap ?? 'skip',
    missed: config.missed ?? 'skip',
    jitterMs: amount('duration', config.jitter) ?? 0,
    ...compact({ task: config.task, until: config.until }),
  };
}

function resolveTrigger(config: TriggerConfig, { agents, files }: Surroundings): TriggerSpec {
  return {
    agent: config.agent,
    enabled: config.enabled ?? true,
    events: Array.isArray(config.event) ? config.event : [config.event],
    where: compact(config.where ?? {}),
    from: config.from ?? 'developer',
    with: resolveNarrowing(agents[config.agent], config.with ?? {}, files),
    ...compact({ task: config.task }),
  };
}

/**
 * A repo-wide USD limit per day and per month that the file does not name keeps its default, under its own name
 * or, where the file uses that name for something else, under `default-<name>`.
 */
function resolveBudgets(
  config: Readonly<Record<string, BudgetConfig | undefined>>,
): Record<string, BudgetSpec> {
  const budgets = mapStated(config, resolveBudget);
  const stated = Object.values(budgets);

  for (const [name, budget] of Object.entries(DEFAULT_BUDGETS)) {
    const named = stated.some(
      ({ scope, per, microUsd }) =>
        scope === 'repo' && per === budget.per && microUsd !== undefined,
    );
    const free = [name, `default-${name}`].find((candidate) => budgets[candidate] === undefined);
    const removed = config[name] === null || config[`default-${name}`] === null;
    if (!named && !removed && free !== undefined) {
      budgets[free] = budget;
    }
  }
  return budgets;
}

function resolveBudget(config: NonNullable<BudgetConfig>): BudgetSpec {
  return {
    scope: config.scope ?? 'repo',
    per: config.per,
    warn: amount('percent', config.warn) ?? 0.8,
    onExhausted: config.on_exhausted ?? 'question',
    ...compact({ microUsd: amount('usd', config.usd), tokens: amount('tokens', config.tokens) }),
  };
}

function resolveApprovals(
  config: Readonly<Record<string, ApprovalConfig | undefined>>,
): Record<string, ApprovalRule> {
  const rules = mapStated(config, resolveApproval);
  return config['default'] === undefined ? { default: DEFAULT_APPROVAL, ...rules } : rules;
}

function resolveApproval(config: NonNullable<ApprovalConfig>): ApprovalRule {
  return {
    gate: config.gate ?? DEFAULT_APPROVAL.gate,
    approvals: config.approvals ?? DEFAULT_APPROVAL.approvals,
    role: config.role ?? DEFAULT_APPROVAL.role,
    users: config.users ?? [],
    groups: config.groups ?? [],
    paths: config.paths ?? [],
    agents: config.agents ?? [],
    ...compact({
      remindMs: amount('duration', config.remind),
      expiresMs: amount('duration', config.expires),
      closeAfterMs: amount('duration', config.close_after),
      rememberMs: amount('duration', config.remember),
    }),
  };
}

/** Resolves what the file states by name; what it removes (`null`) is left out. */
function mapStated<Config, Spec>(
  configs: Readonly<Record<string, Config | null | undefined>> | undefined,
  resolve: (config: Config) => Spec,
): Record<string, Spec> {
  const resolved: Record<string, Spec> = {};
  for (const [name, config] of Object.entries(configs ?? {})) {
    if (config !== null && config !== undefined) {
      resolved[name] = resolve(config);
    }
  }
  return resolved;
}
