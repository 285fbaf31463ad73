import type { Commit } from '../git/read.ts';
import type { Label, Project, User } from '../records.ts';
import type { World } from '../world.ts';

const VISIBILITY = { private: 0, internal: 10, public: 20 } as const;

/** `2026-01-16 05:56:22 UTC`, as most times in hook payloads are written. */
export function hookTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function hookTimeOrNull(time: Date | undefined): string | null {
  return time === undefined ? null : hookTime(time);
}

/** Mail addresses are hidden unless their owner made them public. */
export function userSection({ id, name, username }: User) {
  return { id, name, username, avatar_url: null, email: '[REDACTED]' };
}

export function projectSection({ url }: World, project: Project) {
  const http = `${url}/${project.path}.git`;
  const ssh = `git@${new URL(url).hostname}:${project.path}.git`;
  const web = `${url}/${project.path}`;
  return {
    id: project.id,
    name: project.name,
    description: project.description ?? '',
    web_url: web,
    avatar_url: null,
    git_ssh_url: ssh,
    git_http_url: http,
    namespace: project.group.name,
    visibility_level: VISIBILITY[project.visibility],
    path_with_namespace: project.path,
    default_branch: project.defaultBranch,
    ci_config_path: null,
    homepage: web,
    url: ssh,
    ssh_url: ssh,
    http_url: http,
  };
}

export function repositorySection(world: World, project: Project) {
  const {
    name,
    git_ssh_url: url,
    description,
    homepage,
    git_http_url,
  } = projectSection(world, project);
  const visibility = VISIBILITY[project.visibility];
  return {
    name,
    url,
    description,
    homepage,
    git_http_url,
    git_ssh_url: url,
    visibility_level: visibility,
  };
}

export function labelSections(project: Project, names: readonly string[]) {
  return names
    .map((name) => project.labels.find((label) => label.name === name))
    .filter((label): label is Label => label !== undefined)
    .map(({ id, name, color, description, createdAt }) => ({
      id,
      title: name,
      color,
      project_id: project.id,
      created_at: hookTime(createdAt),
      updated_at: hookTime(createdAt),
      template: false,
      description: description ?? null,
      type: 'ProjectLabel',
      group_id: null,
    }));
}

export function commitSection({ url }: World, project: Project, commit: Commit) {
  return {
    id: commit.id,
    message: commit.message,
    title: commit.message.split('\n')[0] ?? '',
    timestamp: commit.committedAt,
    url: `${url}/${project.path}/-/commit/${commit.id}`,
    author: { name: commit.authorName, email: commit.authorEmail },
  };
}
