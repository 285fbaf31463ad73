import { Type, type Static } from 'typebox';

import type { ForgeRepo } from '../forge.ts';
import type { GitlabClient } from './client.ts';
import { read } from './shape.ts';

const Project = Type.Object({
  id: Type.Integer(),
  path_with_namespace: Type.String({ minLength: 1 }),
  /** Null for a project without a commit; left out for whoever may not read the code. */
  default_branch: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  archived: Type.Optional(Type.Boolean()),
  web_url: Type.String(),
  last_activity_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  repository_object_format: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

export interface Project {
  readonly id: number;
  /** `group/project`. */
  readonly path: string;
  readonly defaultBranch: string | undefined;
  readonly archived: boolean;
  readonly webUrl: string;
  readonly lastActivityAt: Date | undefined;
  readonly objectFormat: 'sha1' | 'sha256';
}

/** Projects as they are now. A rename or a move keeps the id, which is all that we keep of them. */
export interface Projects {
  /** FORGE_NOT_FOUND also for one that we may not see. */
  get(idOrPath: number | string, signal: AbortSignal): Promise<Project>;
  /** For git, which knows projects by path alone: the path as it was a moment ago. */
  pathOf(repo: Pick<ForgeRepo, 'location'>, signal: AbortSignal): Promise<string>;
  /** The path is no longer right. */
  forgetPath(repo: Pick<ForgeRepo, 'location'>): void;
}

const MAX_PATHS = 20_000;

export function createProjects(client: Pick<GitlabClient, 'api'>): Projects {
  const paths = new Map<string, string>();
  const get: Projects['get'] = async (idOrPath, signal) => {
    const answer: unknown = await client.api(signal).projects.show(idOrPath);
    const project = readProject(answer, `project ${idOrPath}`);
    const [oldest] = paths.keys();
    if (paths.size >= MAX_PATHS && oldest !== undefined) {
      paths.delete(oldest);
    }
    paths.set(String(project.id), project.path);
    return project;
  };
  return {
    get,
    pathOf: async ({ location }, signal) =>
      paths.get(location) ?? (await get(Number(location), signal)).path,
    forgetPath({ location }) {
      paths.delete(location);
    },
  };
}

function readProject(value: unknown, what: string): Project {
  return fromAnswer(read(Project, value, what));
}

export function readProjects(value: unknown, what: string): Project[] {
  return read(Type.Array(Project), value, what).map((project) => fromAnswer(project));
}

function fromAnswer(project: Static<typeof Project>): Project {
  const { last_activity_at: activity } = project;
  return {
    id: project.id,
    path: project.path_with_namespace,
    defaultBranch: project.default_branch ?? undefined,
    archived: project.archived ?? false,
    webUrl: project.web_url,
    lastActivityAt: activity === undefined || activity === null ? undefined : new Date(activity),
    objectFormat: project.repository_object_format === 'sha256' ? 'sha256' : 'sha1',
  };
}
