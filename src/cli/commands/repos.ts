import path from 'node:path';

import type { Repo } from '../../db/views/repo-list.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine } from '../output.ts';
import { pickRepo, repoPath } from '../pick-repo.ts';
import { repoTable } from '../repo-table.ts';

interface Options {
  branch?: string;
  name?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('[verb]', 'list, add or remove', 'list')
    .argument('[repo]', 'add: a path; remove: an id or path')
    .option('--branch <branch>', 'add: its default branch')
    .option('--name <name>', 'add: what it is called (default: its folder)')
    .addHelpText(
      'after',
      examples(
        ['those that are registered', 'autodev repos'],
        ['one more', 'autodev repos add ~/src/app --branch main'],
        ['forget one; its files stay as they are', 'autodev repos remove app'],
      ),
    )
    .action(act(runRepos));
};

async function runRepos(
  context: Context,
  verb: string,
  repo: string | undefined,
  options: Options,
): Promise<void> {
  switch (verb) {
    case 'list':
      return listRepos(context);
    case 'add':
      return addRepo(context, named(verb, repo), options);
    case 'remove':
      return removeRepo(context, named(verb, repo));
    default:
      throw new AppError('USAGE', `repos knows no ${verb}`, { remedy: 'use list, add or remove' });
  }
}

async function listRepos({ connect, output }: Context): Promise<void> {
  const api = await connect();
  const list = await api.get<{ repos: Repo[]; next: string | null }>('/repos', { limit: 200 });
  output.answer(list, () => repoTable(output, list.repos));
}

async function addRepo(
  { connect, output, cwd }: Context,
  location: string,
  { branch, name }: Options,
): Promise<void> {
  const api = await connect();
  const repo = await api.post<Repo>('/repos', {
    location: path.resolve(cwd, location),
    branch,
    path: name,
  });
  output.answer(
    repo,
    () => `${oneLine(repo.path)} is registered as ${repo.id}, branch ${repo.branch}`,
  );
}

async function removeRepo({ connect, output, cwd }: Context, name: string): Promise<void> {
  const api = await connect();
  const repo = await pickRepo(api, { name, cwd });
  await api.delete(repoPath(repo));
  output.answer(repo, () => `${oneLine(repo.path)} is forgotten; its files stay as they are`);
}

function named(verb: string, repo: string | undefined): string {
  if (repo === undefined) {
    throw new AppError('USAGE', `repos ${verb} needs to know which`, {
      remedy: `autodev repos ${verb} ${verb === 'add' ? 'PATH' : 'REPO'}`,
    });
  }
  return repo;
}
