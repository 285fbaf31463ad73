import type { Why } from '../../db/views/why.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';
import { whyPage } from '../why-page.ts';

export const define: Define = (command, act) => {
  command
    .argument(
      '[repo or job]',
      'a repository (id, path or folder; default: the one around you), or a job (j_…)',
    )
    .addHelpText(
      'after',
      examples(
        ['why nothing happens', 'autodev why demo'],
        ['why this job does not run', 'autodev why j_12'],
      ),
    )
    .action(act(showWhy));
};

async function showWhy({ connect, output, cwd }: Context, name: string | undefined): Promise<void> {
  const api = await connect();
  const path =
    name !== undefined && /^j_\d+$/.test(name)
      ? `/jobs/${name}`
      : repoPath(await pickRepo(api, { name, cwd }));
  const why = await api.get<Why>(`${path}/why`);
  output.answer(why, () => whyPage(output, why));
}
