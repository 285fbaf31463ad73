import type { AgentLimits, ApprovalRule, BudgetSpec } from '../domain/spec.ts';

/**
 * What an autodev.yaml that says nothing means, in the product's units. The schema's `default`s say the same
 * for people and editors; a test holds the two together.
 */
export const DEFAULT_LIMITS: AgentLimits = {
  tokens: 300_000,
  microUsd: 3_000_000,
  turns: 60,
  wallMs: 45 * 60_000,
  idleMs: 5 * 60_000,
  attempts: 3,
  memoryBytes: 4 * 2 ** 30,
  min: 0.1,
  lifetimeMs: 7 * 86_400_000,
};

/** Of the whole repository, where the file names no USD budget of its own for that period. */
export const DEFAULT_BUDGETS: Readonly<Record<string, BudgetSpec>> = {
  daily: { scope: 'repo', per: 'day', microUsd: 10_000_000, warn: 0.8, onExhausted: 'question' },
  monthly: {
    scope: 'repo',
    per: 'month',
    microUsd: 100_000_000,
    warn: 0.8,
    onExhausted: 'question',
  },
};

/** The rule `default`, and what a rule that says little means. */
export const DEFAULT_APPROVAL: ApprovalRule = {
  gate: 'merge',
  approvals: 1,
  role: 'developer',
  users: [],
  groups: [],
  paths: [],
  agents: [],
};

export const DEFAULT_MEMORY_KEEP_MS = 30 * 86_400_000;
export const DEFAULT_OPEN_MERGE_REQUESTS = 3;
