import type { AuditEntry } from '../../db/views/audit-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine } from '../output.ts';
import { wholeNumber } from '../parse-arguments.ts';
import { pickNamedRepo } from '../pick-repo.ts';
import { textTable } from '../text-table.ts';

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'only this repository (id, path or folder)')
    .option('--limit <n>', 'how many', wholeNumber({ min: 1, max: 200 }), 50)
    .addHelpText(
      'after',
      examples(
        ['the newest acts', 'autodev audit'],
        ['those of one repository, for a script', 'autodev audit demo -o json'],
      ),
    )
    .action(act(showAudit));
};

async function showAudit(
  { connect, output, cwd }: Context,
  name: string | undefined,
  { limit }: { limit: number },
): Promise<void> {
  const api = await connect();
  const repo = await pickNamedRepo(api, { name, cwd });
  const list = await api.get<{ audit: AuditEntry[]; next: string | null }>('/audit', {
    repo: repo?.id,
    limit,
  });
  output.answer(list, () =>
    list.audit.length === 0
      ? 'Nobody has done anything yet.'
      : textTable(
          ['AT', 'WHO', 'DID', 'TO', 'DETAIL'],
          list.audit.map((entry) => [
            entry.at,
            oneLine(entry.actor),
            entry.action,
            oneLine(entry.target),
            oneLine(JSON.stringify(entry.detail)),
          ]),
          output,
        ),
  );
}
