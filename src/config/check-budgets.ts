import type { AgentSpec, BudgetSpec, RepoSpec } from '../domain/spec.ts';
import type { AutodevConfig } from './autodev.generated.ts';
import type { Diagnostic } from './diagnostics.ts';
import { formatQuantity } from './quantity.ts';
import type { SourceDocument } from './source-document.ts';

/** Budgets that limit nothing, or so much that no attempt could ever start; rules with a key that does nothing. */
export function checkBudgets(
  document: SourceDocument,
  config: AutodevConfig,
  spec: RepoSpec,
): Diagnostic[] {
  return Object.keys(config.budgets ?? {}).flatMap((name) => {
    const budget = spec.budgets[name];
    return budget === undefined ? [] : checkBudget(document, { name, budget, spec });
  });
}

export function checkApprovals(document: SourceDocument, config: AutodevConfig): Diagnostic[] {
  return Object.entries(config.approvals ?? {}).flatMap(([name, rule]) => {
    const gate = rule?.gate ?? 'merge';
    const idle = [
      ...(rule?.remember !== undefined && gate !== 'run' ? (['remember'] as const) : []),
      ...(rule?.paths !== undefined && gate !== 'merge' ? (['paths'] as const) : []),
    ];
    return idle.map((key) =>
      document.diagnose(
        ['approvals', name, key],
        {
          severity: 'warning',
          code: 'rule_without_effect',
          message: `\`${key}\` has no effect on a \`${gate}\` gate.`,
          remedy:
            key === 'remember'
              ? 'Remove it, or use `gate: run`.'
              : 'Remove it, or use `gate: merge`.',
        },
        'key',
      ),
    );
  });
}

function checkBudget(
  document: SourceDocument,
  { name, budget, spec }: { name: string; budget: BudgetSpec; spec: RepoSpec },
): Diagnostic[] {
  if (budget.microUsd === undefined && budget.tokens === undefined) {
    return [
      document.diagnose(
        ['budgets', name],
        {
          code: 'budget_without_limit',
          message: `The budget \`${name}\` limits nothing.`,
          remedy:
            'Add `usd` or `tokens`; write `null` in place of the mapping to remove a default budget.',
        },
        'key',
      ),
    ];
  }
  const spenders = Object.entries(spec.agents)
    .filter(([agent]) => budget.scope === 'repo' || budget.scope === agent)
    .map(([, agent]) => agent)
    .filter((agent) => agent.enabled && spends(agent));
  if (spenders.length === 0) {
    return [];
  }
  const usdNeeded = Math.min(...spenders.map(({ limits }) => limits.min * limits.microUsd));
  const tokensNeeded = Math.min(...spenders.map(({ limits }) => limits.min * limits.tokens));
  const tooSmall = [
    { key: 'usd', kind: 'usd', cap: budget.microUsd, needed: usdNeeded } as const,
    { key: 'tokens', kind: 'tokens', cap: budget.tokens, needed: tokensNeeded } as const,
  ].filter(({ cap, needed }) => cap !== undefined && cap < needed);

  return tooSmall.map(({ key, kind, needed }) => {
    const least = formatQuantity(kind, Math.ceil(needed));
    return document.diagnose(['budgets', name, key], {
      code: 'budget_too_small',
      message: `No attempt fits in this budget: one starts only with ${kind === 'usd' ? '$' : ''}${least} or more (\`limits.min\` of \`limits.${key}\`).`,
      remedy: `Raise it to ${least} or more, or lower the agents' \`limits.${key}\`.`,
      corrected: {
        replace: document.sourceOf(['budgets', name, key]) ?? '',
        by: String(least),
      },
    });
  });
}

/** A program without the way to a model books nothing. */
function spends({ providers }: AgentSpec): boolean {
  return (
    providers.length === 0 || providers.some(({ name, llm }) => name !== 'command' || llm === true)
  );
}
