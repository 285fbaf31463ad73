import type { FleetBudget } from '../domain/budget-caps.ts';
import { amount } from './amount.ts';
import { compact } from './compact.ts';
import type { Policy } from './policy.generated.ts';
import { matchesRepo } from './policy.ts';

/**
 * The budgets of the policy, those over a group of repositories only where `repo` is one of it. What a group spent is
 * kept by its globs, so that a budget may be renamed and capped anew.
 */
export function fleetBudgets({ budgets }: Policy, repo?: string): FleetBudget[] {
  return Object.entries(budgets ?? {}).flatMap(([name, budget]) => {
    if (budget === undefined) {
      return [];
    }
    const { repos, per, usd, tokens } = budget;
    if (
      repos !== undefined &&
      !repos.some((glob) => repo !== undefined && matchesRepo(glob, repo))
    ) {
      return [];
    }
    return [
      {
        name,
        scope: repos === undefined ? 'fleet' : `group:${repos.toSorted().join(' ')}`,
        per,
        ...compact({ microUsd: amount('usd', usd), tokens: amount('tokens', tokens) }),
      },
    ];
  });
}
