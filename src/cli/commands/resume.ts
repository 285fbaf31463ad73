import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { agentName } from '../parse-arguments.ts';
import { pickNamedRepo } from '../pick-repo.ts';
import { scopeWord } from '../scope-word.ts';

export const define: Define = (command, act) => {
  command
    .argument('[repo]', 'the repository that was paused (default: the whole fleet)')
    .argument('[agent]', 'the agent of it that was paused', agentName)
    .addHelpText(
      'after',
      examples(
        ['end the pause of the fleet', 'autodev resume'],
        ['end the pause of one agent', 'autodev resume demo builder'],
      ),
    )
    .action(act(resume));
};

async function resume(
  { connect, output, cwd }: Context,
  name: string | undefined,
  agent: string | undefined,
): Promise<void> {
  const api = await connect();
  const repo = await pickNamedRepo(api, { name, cwd });
  const answer = await api.post<{ lifted: number }>('/controls', {
    verb: 'resume',
    repo: repo?.id,
    agent,
  });
  output.answer(answer, () =>
    answer.lifted === 0
      ? `${scopeWord(repo?.path, agent)} was not paused`
      : `${scopeWord(repo?.path, agent)} takes work again`,
  );
}
