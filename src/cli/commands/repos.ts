import { existsSync } from 'node:fs';
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
  group?: string;
  include?: string[];
  exclude?: string[];
  onboard?: true;
  again?: true;
}

export const define: Define = (command, act) => {
  command
    .argument('[verb]', 'list, add or remove', 'list')
    .argument('[repo]', 'add: a folder, or a project of GitLab; remove: an id or path')
    .option('--branch <branch>', 'add: its default branch')
    .option('--name <name>', 'add: what it is called (default: its folder)')
    .option('--group <group>', 'add: all projects of a GitLab group, also those to come')
    .option('--include <glob...>', 'with --group: only these projects')
    .option('--exclude <glob...>', 'with --group: not these')
    .option('--onboard', 'add: offer a first autodev.yaml to a GitLab project, by a merge request')
    .option('--again', 'with --onboard: also where its people declined before')
    .addHelpText(
      'after',
      examples(
        ['those that are registered', 'autodev repos'],
        ['one more', 'autodev repos add ~/src/app --branch main'],
        ['a project of GitLab', 'autodev repos add platform/shop'],
        ['offer it a first file, too', 'autodev repos add platform/shop --onboard'],
        ["a group's projects", "autodev repos add --group platform --exclude 'archive/**'"],
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
      return options.group === undefined
        ? addRepo(context, named(verb, repo), options)
        : addGroup(context, repo, { ...options, group: options.group });
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
  { branch, name, onboard, again }: Options,
): Promise<void> {
  const api = await connect();
  const repo = await api.post<Repo>('/repos', {
    ...(isProject(cwd, location)
      ? { location, forge: 'gitlab' }
      : { location: path.resolve(cwd, location), path: name }),
    branch,
  });
  if (onboard) {
    await api.post(`${repoPath(repo)}/onboarding`, { again: again ?? false });
  }
  const offer = onboard
    ? '\nA merge request offers it a first autodev.yaml: merging begins, closing declines.'
    : '';
  output.answer(
    repo,
    () => `${oneLine(repo.path)} is registered as ${repo.id}, branch ${repo.branch}${offer}`,
  );
}

/** `group/project`, or a project's id, where no folder of that name is here. */
function isProject(cwd: string, location: string): boolean {
  const looksSo = /^[^./~\\][^\\]*\/[^\\]*[^/\\]$|^\d+$/.test(location);
  return looksSo && !existsSync(path.resolve(cwd, location));
}

async function addGroup(
  { connect, output }: Context,
  repo: string | undefined,
  { group, include, exclude }: Options & { group: string },
): Promise<void> {
  if (repo !== undefined) {
    throw new AppError('USAGE', `repos add takes ${repo} or --group, not both`, {
      remedy: `autodev repos add --group ${group}`,
    });
  }
  const api = await connect();
  const added = await api.post<{ repos: { id: string; path: string }[] }>('/repos/groups', {
    group,
    include,
    exclude,
  });
  output.answer(added, () =>
    [
      added.repos.length === 0
        ? `${oneLine(group)} has no project that is new`
        : `${added.repos.length} projects of ${oneLine(group)} are registered:`,
      ...added.repos.map(({ id, path: name }) => `  ${id}  ${oneLine(name)}`),
      'Projects that come later join by themselves.',
    ].join('\n'),
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
