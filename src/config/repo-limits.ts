import type { PruneLimits } from '../domain/plan.ts';
import { amount } from './amount.ts';
import type { LoadedPolicy } from './policy.ts';
import { effectivePolicy } from './policy.ts';

/** Where the policy says nothing: jobs of one repository at once, and what a change may retire by itself. */
const REPO_CONCURRENCY = 4;
const PRUNE: PruneLimits = { share: 0.5, count: 3 };

/** What the policy says of a repository as a whole, beside what its file asks for. */
export interface RepoLimits {
  /** How many of its jobs run at once, over all its agents. */
  readonly concurrency: number;
  readonly prune: PruneLimits;
}

export function repoLimits(loaded: LoadedPolicy, repo: string): RepoLimits {
  const { concurrency, prune } = effectivePolicy(loaded, repo).rule;
  return {
    concurrency: concurrency ?? loaded.policy.concurrency?.repo ?? REPO_CONCURRENCY,
    prune: {
      share: amount('percent', prune?.share) ?? PRUNE.share,
      count: prune?.count ?? PRUNE.count,
    },
  };
}
