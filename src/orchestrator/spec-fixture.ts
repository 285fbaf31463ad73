import { AGENTS } from '../domain/agent.ts';
import type { Output } from '../domain/output.ts';
import type { AgentSpec, ApprovalRule, RepoSpec, TriggerSpec } from '../domain/spec.ts';

export const MERGE_REQUEST: Output = {
  type: 'merge_request',
  title: 'Fix rounding',
  description: 'Rounds half up.',
};

export function rule(change: Partial<ApprovalRule> = {}): ApprovalRule {
  return {
    gate: 'merge',
    approvals: 1,
    role: 'developer',
    users: [],
    groups: [],
    paths: [],
    agents: [],
    ...change,
  };
}

export function triggerSpec(change: Partial<TriggerSpec> = {}): TriggerSpec {
  return {
    agent: 'reviewer',
    enabled: true,
    events: ['merge_request_opened'],
    where: {},
    from: 'autodev',
    with: {},
    ...change,
  };
}

export const AGENT: AgentSpec = {
  enabled: true,
  mode: 'live',
  providers: [{ name: 'command', run: ['true'] }],
  concurrency: 10,
  limits: {
    tokens: 1000,
    microUsd: 0,
    turns: 10,
    wallMs: 60_000,
    idleMs: 60_000,
    attempts: 2,
    memoryBytes: 1e9,
    min: 0.1,
    lifetimeMs: 1e9,
  },
  maxOpenMergeRequests: 5,
  neverDowngrade: false,
  setup: [],
  check: [],
  network: { allow: [] },
  env: {},
  paths: [],
  allow: {
    merge_request: { max: 1 },
    issue: { max: 5 },
    comment: { max: 5 },
    question: { max: 1 },
  },
};

/** A file with all agents, one approval for every merge, and nothing that starts by itself. */
export const SPEC: RepoSpec = {
  version: 1,
  timezone: 'UTC',
  mode: 'live',
  agents: Object.fromEntries(AGENTS.map((agent) => [agent, AGENT])),
  schedules: {},
  triggers: {},
  budgets: {},
  approvals: { default: rule() },
  merge: 'human',
  memory: { keepMs: 0 },
  links: { allow: [] },
};
