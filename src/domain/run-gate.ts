import type { Agent } from './agent.ts';
import type { ApprovalRule } from './spec.ts';

/** The `run` rules that a job of an agent must meet before it starts; empty: it starts at once. */
export function runRules(
  approvals: Readonly<Record<string, ApprovalRule>>,
  agent: Agent,
): { name: string; rule: ApprovalRule }[] {
  return Object.entries(approvals)
    .filter(
      ([, { gate, agents }]) => gate === 'run' && (agents.length === 0 || agents.includes(agent)),
    )
    .map(([name, rule]) => ({ name, rule }));
}

/**
 * For how long one approval holds for the same schedule or trigger, in milliseconds; 0: not at all. As long as the
 * shortest of the rules says, because all of them must be met.
 */
export function rememberedMs(rules: readonly { readonly rule: ApprovalRule }[]): number {
  return Math.min(...rules.map(({ rule }) => rule.rememberMs ?? 0));
}

/** When people's time to answer is over; undefined: never. The earliest of the rules counts. */
export function expiryMs(rules: readonly { readonly rule: ApprovalRule }[]): number | undefined {
  const times = rules.flatMap(({ rule }) => [rule.expiresMs ?? [], rule.closeAfterMs ?? []].flat());
  return times.length === 0 ? undefined : Math.min(...times);
}
