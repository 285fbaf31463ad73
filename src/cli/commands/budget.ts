import type { Budget } from '../../db/views/budget-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine } from '../output.ts';
import { pickNamedRepo } from '../pick-repo.ts';
import { textTable } from '../text-table.ts';

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'only this repository (id, path or folder)')
    .addHelpText('after', examples(['what is left today and this month', 'autodev budget demo']))
    .action(act(showBudgets));
};

async function showBudgets(
  { connect, output, cwd }: Context,
  name: string | undefined,
): Promise<void> {
  const api = await connect();
  const repo = await pickNamedRepo(api, { name, cwd });
  const list = await api.get<{ budgets: Budget[]; next: string | null }>('/budgets', {
    repo: repo?.id,
    limit: 200,
  });
  output.answer(list, () =>
    list.budgets.length === 0
      ? 'No budgets.'
      : textTable(
          ['REPOSITORY', 'BUDGET', 'SCOPE', 'PER', 'SPENT', 'RESERVED', 'LIMIT', 'USED', 'UNTIL'],
          list.budgets.map((budget) => [
            oneLine(budget.repo.path),
            oneLine(budget.name),
            budget.scope,
            budget.per,
            amount(budget, budget.spent),
            amount(budget, budget.reserved),
            amount(budget, budget.limit),
            `${Math.round(((budget.spent + budget.reserved) / budget.limit) * 100)}%`,
            budget.ends_at ?? '–',
          ]),
          output,
        ),
  );
}

function amount({ unit }: Budget, value: number): string {
  return unit === 'usd' ? `${value.toFixed(2)} USD` : `${value} tokens`;
}
