import type { Gate } from '../../db/views/gate-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { protectionWord } from '../gate-page.ts';
import { oneLine } from '../output.ts';
import { pickNamedRepo } from '../pick-repo.ts';
import { textTable } from '../text-table.ts';
import { showGate } from '../vote.ts';
import { agoWord } from '../words.ts';

export const define: Define = (command, act) => {
  command
    .argument('[repo or id]', 'only this repository; or one gate (g_…) or job (j_…), whole')
    .addHelpText(
      'after',
      examples(
        ['everything that waits for an answer', 'autodev approvals'],
        ['one of them, with its evidence', 'autodev approvals g_3'],
      ),
    )
    .action(act(listApprovals));
};

async function listApprovals(context: Context, name: string | undefined): Promise<void> {
  const { connect, output, clock, cwd } = context;
  if (name !== undefined && /^[gj]_\d+$/.test(name)) {
    await showGate(context, name);
    return;
  }
  const api = await connect();
  const repo = await pickNamedRepo(api, { name, cwd });
  const list = await api.get<{ gates: Gate[]; next: string | null }>('/gates', {
    repo: repo?.id,
    state: 'open',
    limit: 200,
  });

  const now = clock.now();
  output.answer(list, () =>
    list.gates.length === 0
      ? 'Nothing waits for you.'
      : `${textTable(
          ['GATE', 'KIND', 'JOB', 'REPOSITORY', 'WAITS', 'TITLE'],
          list.gates.map((gate) => [
            gate.id,
            gate.kind,
            gate.job ?? '–',
            oneLine(gate.repo.path),
            agoWord(gate.opened_at, now),
            [oneLine(gate.title), protectionWord(output, gate)].filter(Boolean).join(' '),
          ]),
          output,
        )}\n\nautodev approvals ID shows one; autodev approve ID says yes`,
  );
}
