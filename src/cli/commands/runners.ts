import type { Runner } from '../../db/views/runner-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine } from '../output.ts';
import { textTable } from '../text-table.ts';
import { agoWord } from '../words.ts';

export const define: Define = (command, act) => {
  command
    .addHelpText('after', examples(['who works, and how well protected', 'autodev runners']))
    .action(act(listRunners));
};

async function listRunners({ connect, output, clock }: Context): Promise<void> {
  const api = await connect();
  const list = await api.get<{ runners: Runner[]; next: string | null }>('/runners', {
    limit: 200,
  });
  const now = clock.now();
  output.answer(list, () =>
    list.runners.length === 0
      ? 'No runner is registered.'
      : textTable(
          ['RUNNER', 'STATE', 'JOBS', 'SANDBOX', 'HEARD OF', 'HOST', 'AGENTS'],
          list.runners.map((runner) => [
            runner.id,
            runner.state,
            `${runner.running}/${runner.slots}`,
            runner.sandbox.protected ? `✔ ${runner.sandbox.mode}` : `▲ ${runner.sandbox.mode}`,
            agoWord(runner.heartbeat_at, now),
            oneLine(`${runner.host} (${runner.pid})`),
            runner.agents.length === 8 ? 'all' : runner.agents.join(', '),
          ]),
          output,
        ),
  );
}
