import type { Agent } from '../domain/agent.ts';
import type {
  AgentLimits,
  AgentSpec,
  Allow,
  AllowRule,
  Mode,
  Narrowing,
  ProviderSpec,
} from '../domain/spec.ts';
import { amount } from './amount.ts';
import type {
  AgentConfig,
  AllowConfig,
  Instructions,
  Limits,
  Provider,
  WithConfig,
} from './autodev.generated.ts';
import { compact } from './compact.ts';
import { DEFAULT_LIMITS, DEFAULT_OPEN_MERGE_REQUESTS } from './defaults.ts';
import { defaultRule, OUTPUT_TYPES, roleAllow } from './roles-allow.ts';

/** What an agent takes from around it. */
export interface AgentContext {
  readonly mode: Mode;
  readonly providers: readonly ProviderSpec[];
  /** The texts of the files that `instructions` name; a file that is missing there is left out. */
  readonly files: ReadonlyMap<string, string>;
  /** The agents that the file lists: a role hands work to nobody else unless it is told to. */
  readonly listed: readonly Agent[];
}

export function resolveAgent(
  agent: Agent,
  config: AgentConfig,
  { mode, providers, files, listed }: AgentContext,
): AgentSpec {
  const instructions = resolveInstructions(config.instructions, files);
  return {
    enabled: config.enabled ?? true,
    // Staged at the top holds for all: a line further down must not set effects free again.
    mode: mode === 'staged' ? 'staged' : (config.mode ?? 'live'),
    ...(instructions === undefined ? {} : { instructions }),
    providers: config.providers?.map(resolveProvider) ?? providers,
    concurrency: config.concurrency ?? 1,
    limits: resolveLimits(config.limits, DEFAULT_LIMITS),
    maxOpenMergeRequests: config.max_open_merge_requests ?? DEFAULT_OPEN_MERGE_REQUESTS,
    neverDowngrade: config.never_downgrade ?? false,
    setup: config.setup ?? [],
    check: config.check ?? [],
    network: { allow: config.network?.allow ?? [] },
    env: compact(config.env ?? {}),
    paths: config.paths ?? [],
    allow: resolveAllow(agent, config.allow ?? {}, listed),
  };
}

export function resolveProvider(provider: Provider): ProviderSpec {
  return typeof provider === 'string'
    ? { name: provider }
    : {
        name: provider.name,
        ...compact({
          model: provider.model,
          run: provider.run,
          llm: provider.name === 'command' ? (provider.llm ?? false) : undefined,
        }),
      };
}

/** What a schedule or trigger changes of its agent: limits only downwards, instructions only added to. */
export function resolveNarrowing(
  agent: AgentSpec | undefined,
  config: WithConfig,
  files: ReadonlyMap<string, string>,
): Narrowing {
  const own = resolveInstructions(config.instructions, files);
  const limits = agent?.limits ?? DEFAULT_LIMITS;
  return compact({
    instructions:
      own && agent?.instructions
        ? { ...own, text: `${agent.instructions.text}\n\n${own.text}` }
        : own,
    setup: config.setup,
    check: config.check,
    limits: config.limits && lowerLimits(limits, resolveLimits(config.limits, limits)),
    paths: config.paths,
    providers: config.providers?.map(resolveProvider),
  });
}

function resolveInstructions(
  config: Instructions | undefined,
  files: ReadonlyMap<string, string>,
): AgentSpec['instructions'] {
  if (config === undefined || typeof config === 'string') {
    return config === undefined ? undefined : { text: config };
  }
  if (config.file !== undefined) {
    return { text: files.get(config.file) ?? '', file: config.file };
  }
  return config.text === undefined ? undefined : { text: config.text };
}

function resolveLimits(config: Limits = {}, under: AgentLimits): AgentLimits {
  const jobMicroUsd = amount('usd', config.job?.usd) ?? under.jobMicroUsd;
  const jobTokens = amount('tokens', config.job?.tokens) ?? under.jobTokens;
  return {
    tokens: amount('tokens', config.tokens) ?? under.tokens,
    microUsd: amount('usd', config.usd) ?? under.microUsd,
    turns: config.turns ?? under.turns,
    wallMs: amount('duration', config.wall) ?? under.wallMs,
    idleMs: amount('duration', config.idle) ?? under.idleMs,
    attempts: config.attempts ?? under.attempts,
    memoryBytes: amount('bytes', config.memory) ?? under.memoryBytes,
    min: amount('percent', config.min) ?? under.min,
    lifetimeMs: amount('duration', config.lifetime) ?? under.lifetimeMs,
    ...compact({ jobMicroUsd, jobTokens }),
  };
}

/** The smaller of both everywhere; of `min`, where less is looser, the larger. */
function lowerLimits(a: AgentLimits, b: AgentLimits): AgentLimits {
  const jobMicroUsd = lower(a.jobMicroUsd, b.jobMicroUsd);
  const jobTokens = lower(a.jobTokens, b.jobTokens);
  return {
    tokens: Math.min(a.tokens, b.tokens),
    microUsd: Math.min(a.microUsd, b.microUsd),
    turns: Math.min(a.turns, b.turns),
    wallMs: Math.min(a.wallMs, b.wallMs),
    idleMs: Math.min(a.idleMs, b.idleMs),
    attempts: Math.min(a.attempts, b.attempts),
    memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
    min: Math.max(a.min, b.min),
    lifetimeMs: Math.min(a.lifetimeMs, b.lifetimeMs),
    ...compact({ jobMicroUsd, jobTokens }),
  };
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** Fills per type: one that the file does not name keeps the role's rule, `false` removes it. */
function resolveAllow(agent: Agent, config: AllowConfig, listed: readonly Agent[]): Allow {
  const role = roleAllow(agent);
  const handOff = listedOnly(role.hand_off, listed);
  const rules = OUTPUT_TYPES.map((type) => {
    const stated = config[type];
    if (stated === undefined) {
      return [type, type === 'hand_off' ? handOff : role[type]] as const;
    }
    return [type, stated === false ? undefined : resolveRule(agent, type, stated)] as const;
  });
  return compact(Object.fromEntries(rules));
}

/** Undefined when nobody of those is there. */
function listedOnly(rule: AllowRule | undefined, listed: readonly Agent[]): AllowRule | undefined {
  const agents = rule?.agents?.filter((agent) => listed.includes(agent)) ?? [];
  return rule && agents.length > 0 ? { ...rule, agents } : undefined;
}

function resolveRule(
  agent: Agent,
  type: keyof AllowConfig,
  stated: NonNullable<Exclude<AllowConfig[keyof AllowConfig], false>>,
): AllowRule {
  const under = defaultRule(agent, type);
  if (typeof stated === 'boolean') {
    return under;
  }
  if (Array.isArray(stated)) {
    return { ...under, agents: stated };
  }
  const { max_patch: maxPatch, ...rest } = { max_patch: undefined, ...stated };
  const maxPatchBytes = amount('bytes', maxPatch);
  return { ...under, ...compact(rest), ...compact({ maxPatchBytes }) };
}
