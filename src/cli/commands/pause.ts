import type { Control } from '../../db/views/control-list.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { agentName, untilTime } from '../parse-arguments.ts';
import { pickNamedRepo } from '../pick-repo.ts';
import { scopeWord } from '../scope-word.ts';

interface Options {
  reason: string;
  until?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'only this repository (id, path or folder; default: the whole fleet)')
    .argument('[agent]', 'only this agent of it', agentName)
    .option('--reason <text>', 'why; `why` and `status` show it', 'paused by hand')
    .option('--until <time>', '2h, 3d or a time; after it work goes on by itself')
    .addHelpText(
      'after',
      examples(
        ['everything, now', 'autodev pause'],
        ['one agent for two hours', 'autodev pause demo builder --reason "release" --until 2h'],
      ),
    )
    .action(act(pause));
};

async function pause(
  { connect, output, clock, cwd }: Context,
  name: string | undefined,
  agent: string | undefined,
  { reason, until }: Options,
): Promise<void> {
  const at = until === undefined ? undefined : untilTime(until, clock.now()).toISOString();
  const api = await connect();
  const repo = await pickNamedRepo(api, { name, cwd });
  const control = await api.post<Control>('/controls', {
    verb: 'pause',
    repo: repo?.id,
    agent,
    reason,
    until: at,
  });
  output.answer(
    control,
    () =>
      `${scopeWord(repo?.path, agent)} takes no new work${at === undefined ? '' : ` until ${at}`}; what runs goes on`,
  );
}
