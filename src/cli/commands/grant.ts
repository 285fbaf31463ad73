import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { plain } from '../output.ts';
import { agentName, jobIdText, positiveUsd } from '../parse-arguments.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';

interface Options {
  usd: number;
  repo?: string;
  agent?: string;
  fleet?: true;
  reason?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('[id]', 'one job (j_…), and what follows from it', jobIdText)
    .option('--repo <repo>', 'a repository (id, path or folder), until its windows end')
    .option('--agent <agent>', 'with --repo: only what caps this agent of it', agentName)
    .option('--fleet', 'what the policy caps over all repositories')
    .requiredOption('--usd <amount>', 'how much more may be spent', positiveUsd)
    .option('--reason <text>', 'why; needed for more than one job')
    .addHelpText(
      'after',
      examples(
        ['two dollars more for one job', 'autodev grant j_12 --usd 2'],
        [
          'ten more for a repository today and this month',
          'autodev grant --repo demo --usd 10 --reason "release week"',
        ],
        [
          'for one agent of it',
          'autodev grant --repo demo --agent builder --usd 5 --reason "big migration"',
        ],
        ['for the whole fleet', 'autodev grant --fleet --usd 100 --reason "incident"'],
      ),
    )
    .action(act(grant));
};

async function grant(
  { connect, output, cwd }: Context,
  id: string | undefined,
  { usd, repo: name, agent, fleet, reason }: Options,
): Promise<void> {
  if ([id, name, fleet].filter((scope) => scope !== undefined).length !== 1) {
    throw new AppError('USAGE', 'what is the grant for?', {
      remedy: 'Name one: a job (`j_12`), `--repo REPO` or `--fleet`.',
    });
  }
  if (agent !== undefined && name === undefined) {
    throw new AppError('USAGE', '--agent goes with --repo', {
      remedy: `Name the repository: \`autodev grant --repo REPO --agent ${agent} …\`.`,
    });
  }
  if (id === undefined && reason === undefined) {
    throw new AppError('USAGE', 'a raise of more than one job needs its reason', {
      remedy: 'Add `--reason TEXT`: the audit keeps it.',
    });
  }
  const api = await connect();
  const path =
    id !== undefined ? `/jobs/${id}` : fleet ? '' : repoPath(await pickRepo(api, { name, cwd }));
  const answer = await api.post<{ message: string }>(`${path}/grants`, { usd, agent, reason });
  output.answer(answer, () => plain(answer.message));
}
