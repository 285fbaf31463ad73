import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine } from '../output.ts';
import { agentName } from '../parse-arguments.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';

export const define: Define = (command, act) => {
  command
    .argument('<repo>', 'the repository (id, path or folder)')
    .argument('<agent>', 'whose breaker', agentName)
    .addHelpText(
      'after',
      examples(['after you fixed what made it fail', 'autodev reset demo builder']),
    )
    .action(act(resetBreaker));
};

async function resetBreaker(
  { connect, output, cwd }: Context,
  name: string,
  agent: string,
): Promise<void> {
  const api = await connect();
  const repo = await pickRepo(api, { name, cwd });
  const answer = await api.post<object>(`${repoPath(repo)}/agents/${agent}/reset`);
  output.answer(answer, () => `${agent} on ${oneLine(repo.path)} takes work again`);
}
