import { AGENTS } from '../domain/agent.ts';
import { isJsonObject } from '../domain/canonical-json.ts';
import type { AutodevConfig, BudgetConfig } from './autodev.generated.ts';
import type { PolicyDefaults } from './policy.generated.ts';

/**
 * The file with the policy's defaults under it: mappings are filled key by key, anything else that the file says
 * stands, `null` included. Defaults of agents hold for those that the file lists; they start none.
 */
export function mergeUnder(file: AutodevConfig, defaults: PolicyDefaults): AutodevConfig {
  const { agents: agentDefaults = {}, budgets: budgetDefaults = {}, ...rest } = defaults;
  const stated: AutodevConfig['agents'] = Array.isArray(file.agents)
    ? Object.fromEntries(file.agents.map((agent) => [agent, {}]))
    : file.agents;
  const agents: Exclude<AutodevConfig['agents'], unknown[]> = {};
  for (const agent of AGENTS) {
    const config = stated[agent];
    if (config !== undefined) {
      agents[agent] = fill(config, agentDefaults[agent] ?? {});
    }
  }
  return {
    ...fill(file, rest),
    agents,
    budgets: fill(file.budgets ?? {}, unnamed(budgetDefaults, file.budgets ?? {})),
  };
}

type Budgets = Readonly<Record<string, BudgetConfig | undefined>>;

/** A file that sets the repository's USD limit of a period replaces the policy's, whatever its name. */
function unnamed(defaults: Budgets, file: Budgets): Budgets {
  const periods = new Set(
    Object.values(file).flatMap((budget) => (isRepoUsd(budget) ? [budget.per] : [])),
  );
  return Object.fromEntries(
    Object.entries(defaults).filter(
      ([name, budget]) => name in file || !isRepoUsd(budget) || !periods.has(budget.per),
    ),
  );
}

function isRepoUsd(budget: BudgetConfig | undefined): budget is NonNullable<BudgetConfig> {
  return budget?.usd !== undefined && (budget.scope ?? 'repo') === 'repo';
}

function fill<T extends object>(over: T, under: object): T;
function fill(over: object, under: object): object {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isJsonObject(value) && isJsonObject(below) ? fill(value, below) : value;
  }
  return merged;
}
