import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { plain } from '../output.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';
import { policyTable } from '../policy-table.ts';

interface PolicyAnswer {
  repo: { id: string; path: string };
  policy: {
    key: string;
    value: unknown;
    origin: { file: string; rule: number; line: number } | null;
  }[];
}

export const define: Define = (command, act) => {
  command
    .argument('<what>', 'policy')
    .argument('[repo]', 'the repository (id, path or folder; default: the one around you)')
    .argument('[key]', 'only this key, or what is under it')
    .addHelpText(
      'after',
      examples(
        ['what a repository may ask for, and who says so', 'autodev explain policy group/app'],
        ['one ceiling', 'autodev explain policy group/app ceilings.attempt_usd'],
      ),
    )
    .action(act(explain));
};

async function explain(
  { connect, output, cwd }: Context,
  what: string,
  name: string | undefined,
  key: string | undefined,
): Promise<void> {
  if (what !== 'policy') {
    throw new AppError('USAGE', `${plain(what)} cannot be explained`, {
      remedy: 'use `autodev explain policy REPO [KEY]`; `autodev why` explains what stands still',
    });
  }
  const api = await connect();
  const repo = await pickRepo(api, { name, cwd });
  const answer = await api.get<PolicyAnswer>(`${repoPath(repo)}/policy`, { key });
  output.answer(answer, () => policyTable(output, answer.policy));
}
