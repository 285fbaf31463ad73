import { stringify } from 'yaml';

import type {
  AgentLimits,
  AgentSpec,
  AllowRule,
  ApprovalRule,
  BudgetSpec,
  Narrowing,
  RepoSpec,
  ScheduleSpec,
  TriggerSpec,
} from '../domain/spec.ts';
import type {
  AgentConfig,
  ApprovalConfig,
  AutodevConfig,
  BudgetConfig,
  Limits,
  ScheduleConfig,
  TriggerConfig,
  WithConfig,
} from './autodev.generated.ts';
import { compact } from './compact.ts';
import { DEFAULT_BUDGETS } from './defaults.ts';
import { formatQuantity } from './quantity.ts';

/** The file with every default written out, in the file's own keys and units; it resolves to the same spec. */
export function printResolved(spec: RepoSpec): string {
  return stringify(toFile(spec), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** A resolved configuration as somebody would have written it, leaving nothing out. */
export function toFile(spec: RepoSpec): AutodevConfig {
  return {
    version: 1,
    timezone: spec.timezone,
    mode: spec.mode,
    agents: mapValues(spec.agents, fileAgent),
    schedules: mapValues(spec.schedules, (schedule) => fileSchedule(schedule, spec.agents)),
    triggers: mapValues(spec.triggers, (trigger) => fileTrigger(trigger, spec.agents)),
    budgets: { ...removedBudgets(spec.budgets), ...mapValues(spec.budgets, fileBudget) },
    approvals: {
      ...(spec.approvals['default'] === undefined ? { default: null } : {}),
      ...mapValues(spec.approvals, fileApproval),
    },
    merge: spec.merge,
    memory: { keep: duration(spec.memory.keepMs) },
    links: { allow: [...spec.links.allow] },
  };
}

function fileAgent(agent: AgentSpec): AgentConfig {
  return {
    enabled: agent.enabled,
    mode: agent.mode,
    ...compact({ instructions: fileInstructions(agent.instructions) }),
    ...(agent.providers.length === 0 ? {} : { providers: agent.providers.map(fileProvider) }),
    concurrency: agent.concurrency,
    limits: fileLimits(agent.limits),
    max_open_merge_requests: agent.maxOpenMergeRequests,
    never_downgrade: agent.neverDowngrade,
    setup: [...agent.setup],
    check: fileCheck(agent.check),
    network: { allow: [...agent.network.allow] },
    env: { ...agent.env },
    paths: [...agent.paths],
    allow: fileAllow(agent.allow),
  };
}

type FileProvider = Exclude<NonNullable<AgentConfig['providers']>[number], string>;

function fileProvider({ run, ...provider }: AgentSpec['providers'][number]): FileProvider {
  return { ...provider, ...(run === undefined ? {} : { run: [...run] }) };
}

function fileInstructions(instructions: AgentSpec['instructions']): AgentConfig['instructions'] {
  if (instructions === undefined) {
    return undefined;
  }
  return instructions.file === undefined
    ? { text: instructions.text }
    : { file: instructions.file };
}

function fileLimits(limits: AgentLimits): Limits {
  const job = compact({
    usd: limits.jobMicroUsd === undefined ? undefined : usd(limits.jobMicroUsd),
    tokens: limits.jobTokens === undefined ? undefined : tokens(limits.jobTokens),
  });
  return {
    tokens: tokens(limits.tokens),
    usd: usd(limits.microUsd),
    turns: limits.turns,
    wall: duration(limits.wallMs),
    idle: duration(limits.idleMs),
    attempts: limits.attempts,
    memory: bytes(limits.memoryBytes),
    min: percent(limits.min),
    lifetime: duration(limits.lifetimeMs),
    ...(Object.keys(job).length === 0 ? {} : { job }),
  };
}

/** Types that are missing are stated as `false`, or the role's default would come back. */
function fileAllow(allow: AgentSpec['allow']): NonNullable<AgentConfig['allow']> {
  const { merge_request: mergeRequest, hand_off: handOff, issue, ...others } = allow;
  const simple = (rule: AllowRule | undefined) =>
    rule === undefined ? false : { max: rule.max, ...compact({ mode: rule.mode }) };
  return {
    merge_request:
      mergeRequest !== undefined &&
      compact({
        max: mergeRequest.max,
        mode: mergeRequest.mode,
        paths: mergeRequest.paths && [...mergeRequest.paths],
        max_patch:
          mergeRequest.maxPatchBytes === undefined ? undefined : bytes(mergeRequest.maxPatchBytes),
        reviewers: fileReviewers(mergeRequest.reviewers),
      }),
    review: simple(others.review),
    comment: simple(others.comment),
    issue:
      issue !== undefined &&
      compact({ max: issue.max, mode: issue.mode, labels: issue.labels && [...issue.labels] }),
    hand_off:
      handOff !== undefined &&
      compact({
        max: handOff.max,
        mode: handOff.mode,
        agents: handOff.agents && [...handOff.agents],
      }),
    memory: simple(others.memory),
    question: simple(others.question),
    noop: simple(others.noop),
  };
}

function fileReviewers(
  reviewers: AllowRule['reviewers'],
): 'codeowners' | 'round_robin' | string[] | undefined {
  return reviewers === undefined || typeof reviewers === 'string' ? reviewers : [...reviewers];
}

function fileWith(narrowing: Narrowing, agent: AgentSpec | undefined): WithConfig {
  const { instructions } = narrowing;
  const inherited = agent?.instructions === undefined ? '' : `${agent.instructions.text}\n\n`;
  const own = instructions?.text.startsWith(inherited)
    ? { ...instructions, text: instructions.text.slice(inherited.length) }
    : instructions;
  return compact({
    instructions: fileInstructions(own),
    setup: narrowing.setup && [...narrowing.setup],
    check: narrowing.check && fileCheck(narrowing.check),
    limits: narrowing.limits && fileLimits(narrowing.limits),
    paths: narrowing.paths && [...narrowing.paths],
    providers: narrowing.providers?.map(fileProvider),
  });
}

function fileCheck(check: AgentSpec['check']): 'pipeline' | string[] {
  return typeof check === 'string' ? check : [...check];
}

function fileSchedule(schedule: ScheduleSpec, agents: RepoSpec['agents']): ScheduleConfig {
  return {
    agent: schedule.agent,
    enabled: schedule.enabled,
    cron: schedule.cron,
    ...compact({ task: schedule.task }),
    with: fileWith(schedule.with, agents[schedule.agent]),
    when: compact({ changed: schedule.when.changed && [...schedule.when.changed] }),
    overlap: schedule.overlap,
    missed: schedule.missed,
    jitter: duration(schedule.jitterMs),
    ...compact({ until: schedule.until }),
  };
}

function fileTrigger(trigger: TriggerSpec, agents: RepoSpec['agents']): TriggerConfig {
  return {
    agent: trigger.agent,
    enabled: trigger.enabled,
    event: [...trigger.events],
    where: mapValues(trigger.where, (value) => (typeof value === 'string' ? value : [...value])),
    from: trigger.from,
    ...compact({ task: trigger.task }),
    with: fileWith(trigger.with, agents[trigger.agent]),
  };
}

function fileBudget(budget: BudgetSpec): BudgetConfig {
  return {
    scope: budget.scope,
    per: budget.per,
    ...compact({
      usd: budget.microUsd === undefined ? undefined : usd(budget.microUsd),
      tokens: budget.tokens === undefined ? undefined : tokens(budget.tokens),
    }),
    warn: percent(budget.warn),
    on_exhausted: budget.onExhausted,
  };
}

function fileApproval(rule: ApprovalRule): ApprovalConfig {
  const optional = (ms: number | undefined) => (ms === undefined ? undefined : duration(ms));
  return {
    gate: rule.gate,
    approvals: rule.approvals,
    role: voterRole(rule.role),
    users: [...rule.users],
    groups: [...rule.groups],
    paths: [...rule.paths],
    agents: [...rule.agents],
    ...compact({
      remind: optional(rule.remindMs),
      expires: optional(rule.expiresMs),
      close_after: optional(rule.closeAfterMs),
      remember: optional(rule.rememberMs),
    }),
  };
}

/** A rule comes from a file, whose schema lets nobody below a reporter vote. */
function voterRole(role: ApprovalRule['role']): 'reporter' | 'developer' | 'maintainer' | 'owner' {
  return role === 'reporter' || role === 'maintainer' || role === 'owner' ? role : 'developer';
}

/** A default that the file took away must be said, or it would come back. */
function removedBudgets(stated: RepoSpec['budgets']): Record<string, null> {
  const gone = Object.entries(DEFAULT_BUDGETS).filter(
    ([, { per }]) =>
      !Object.values(stated).some(
        (budget) => budget.scope === 'repo' && budget.per === per && budget.microUsd !== undefined,
      ),
  );
  return Object.fromEntries(
    gone.map(([name]) => [stated[name] === undefined ? name : `default-${name}`, null]),
  );
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

const duration = (ms: number): string => String(formatQuantity('duration', ms));
const bytes = (amount: number): string => String(formatQuantity('bytes', amount));
const percent = (share: number): string => String(formatQuantity('percent', share));
const usd = (microUsd: number): string | number => formatQuantity('usd', microUsd);
const tokens = (amount: number): string | number => formatQuantity('tokens', amount);
