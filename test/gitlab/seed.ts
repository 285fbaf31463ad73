import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { protection, SETTINGS, SOMEBODY, titled } from './defaults.ts';
import { tellMember, tellProject } from './events/group-event.ts';
import { branchHead, listRefs } from './git/read.ts';
import { makeRepository } from './git/repository.ts';
import { commitChanges, updateRef, type FileChange } from './git/write.ts';
import { createPerson, type Person } from './person.ts';
import type { CiStatus, Pipeline } from './pipeline-records.ts';
import { pushed } from './pushed.ts';
import type { AccessToken, Group, Membership, Project, User } from './records.ts';
import { setJob, startPipeline, type NewPipeline } from './run-pipeline.ts';
import {
  LEVELS,
  type NewProject,
  type NewPush,
  type NewToken,
  type NewUser,
  type Role,
} from './seed-options.ts';
import { findGroup } from './state.ts';
import { issueToken } from './tokens.ts';
import { gitOf, type World } from './world.ts';

/** Making what a GitLab has before anybody calls its API. */
export interface Seed {
  user(username: string, options?: NewUser): User;
  token(user: User, options?: NewToken): AccessToken;
  /** Makes the parents too. Asked again for the same path, it answers the same group. */
  group(path: string, members?: readonly (readonly [User, Role])[]): Group;
  /** Below its group, which is made when it is not there. */
  project(path: string, options?: NewProject): Promise<Project>;
  /** A bot of the project with a token, as "project access tokens" make one. */
  projectBot(project: Project, role: Role, options?: NewToken): { user: User; token: AccessToken };
  fork(project: Project, path: string, by: User): Promise<Project>;
  addMember(of: Project | Group, user: User, role: Role): void;
  removeMember(of: Project | Group, user: User): void;
  /** One commit on a branch, pushed: hooks, versions and votes follow. Answers the commit. */
  push(project: Project, push: NewPush): Promise<string>;
  deleteBranch(project: Project, branch: string, by: User): Promise<void>;
  /** The head of a branch; undefined when there is none. */
  head(project: Project, branch?: string): Promise<string | undefined>;
  /** A pipeline with jobs, which `setJob` brings to their end; hooks are told of each step. */
  pipeline(project: Project, options: NewPipeline): Pipeline;
  setJob(pipeline: Pipeline, options: { name: string; status: CiStatus; trace?: string }): void;
  setDefaultBranch(project: Project, branch: string): Promise<void>;
  rename(project: Project, path: string): void;
  remove(project: Project): void;
  /** Everything that a person does in the browser, as that person. */
  as(user: User): Person;
}

export function createSeed(world: World): Seed {
  const { state, clock } = world;
  const membership = (role: Role): Membership => ({
    level: LEVELS[role],
    createdAt: clock.now(),
    expiresAt: undefined,
  });
  const user: Seed['user'] = (username, { name = titled(username), email, bot = false } = {}) => {
    const made: User = {
      id: state.nextId('user'),
      username,
      name,
      email: email ?? `${username}@example.org`,
      state: 'active',
      bot,
      createdAt: clock.now(),
    };
    state.users.set(made.id, made);
    return made;
  };
  const addMember: Seed['addMember'] = (of, one, role) => {
    const event = of.members.has(one.id) ? 'user_update_for_group' : 'user_add_to_group';
    of.members.set(one.id, membership(role));
    if (!('dir' in of)) {
      tellMember(world, of, { user: one, level: LEVELS[role], event });
    }
  };
  const group: Seed['group'] = (path, members = []) => {
    const found = findGroup(state, path) ?? makeGroup(path);
    for (const [member, role] of members) {
      addMember(found, member, role);
    }
    return found;
  };
  const makeGroup = (path: string): Group => {
    const cut = path.lastIndexOf('/');
    const made: Group = {
      id: state.nextId('namespace'),
      path,
      name: titled(path.slice(cut + 1)),
      parent: cut < 0 ? undefined : group(path.slice(0, cut)),
      members: new Map(),
      createdAt: clock.now(),
    };
    state.groups.set(made.id, made);
    return made;
  };
  const makeProject = async (
    path: string,
    options: NewProject,
    copyOf?: Project,
  ): Promise<Project> => {
    const { defaultBranch = copyOf?.defaultBranch ?? 'main', protect = true } = options;
    const id = state.nextId('project');
    const { codeOf } = options;
    const dir = codeOf?.dir ?? join(world.root, `${id}.git`);
    if (codeOf === undefined) {
      await makeRepository(
        { path: world.searchPath },
        { dir, branch: defaultBranch, ...(copyOf ? { copyOf: copyOf.dir } : {}) },
      );
    }
    const cut = path.lastIndexOf('/');
    const made: Project = {
      id,
      path,
      name: titled(path.slice(cut + 1)),
      description: undefined,
      group: group(cut < 0 ? 'root' : path.slice(0, cut)),
      visibility: options.visibility ?? 'private',
      dir,
      defaultBranch,
      hasCode: (copyOf ?? codeOf)?.hasCode ?? options.files !== undefined,
      archived: options.archived ?? false,
      topics: [...(options.topics ?? [])],
      createdAt: clock.now(),
      lastActivityAt: options.lastActivityAt ?? clock.now(),
      settings: { ...SETTINGS, ...options.settings },
      members: new Map((options.members ?? []).map(([one, role]) => [one.id, membership(role)])),
      protectedBranches: protect
        ? [protection(state.nextId('protected branch'), defaultBranch)]
        : [],
      approvalRules: [],
      labels: [],
      forkedFrom: copyOf,
      formerPaths: new Set(),
    };
    state.projects.set(id, made);
    tellProject(world, made, 'project_create');
    return made;
  };

  const commit = async (project: Project, push: NewPush): Promise<string> => {
    const git = gitOf(world, project);
    const { branch, by, files, message = 'Change', from, force = false } = push;
    const head = await branchHead(git, branch);
    const start =
      head !== undefined && !force
        ? head
        : ((await branchHead(git, from ?? project.defaultBranch)) ?? from);
    const changes = Object.entries(files).map(([path, content]): FileChange => ({ path, content }));
    const at = clock.now();
    const sha = await commitChanges(git, {
      base: start,
      changes,
      message: `${message}\n`,
      author: { ...(push.author ?? { name: by.name, email: by.email }), at },
      committer: { ...(push.author ?? { name: by.name, email: by.email }), at },
    });
    if (!(await updateRef(git, `refs/heads/${branch}`, { to: sha, expected: head }))) {
      throw new Error(`The branch ${branch} moved while it was pushed to.`);
    }
    return sha;
  };
  const asPush = (project: Project, by: User, work: () => Promise<string>): Promise<string> =>
    world.lock.run(project.id, async () => {
      const before = await listRefs(gitOf(world, project));
      const sha = await work();
      await pushed(world, project, { before, user: by });
      return sha;
    });

  return {
    user,
    group,
    addMember,
    token: (owner, options = {}) => issueToken(world, { user: owner, ...options }),
    async project(path, options = {}) {
      const made = await makeProject(path, options);
      if (options.files) {
        const by = options.members?.[0]?.[0] ?? SOMEBODY;
        await commit(made, {
          branch: made.defaultBranch,
          by,
          files: options.files,
          message: 'Initial commit',
        });
      }
      return made;
    },
    projectBot(project, role, options = {}) {
      const bot = user(`project_${project.id}_bot_${randomBytes(8).toString('hex')}`, {
        name: options.name ?? 'autodev',
        bot: true,
      });
      addMember(project, bot, role);
      const resource = { kind: 'project', id: project.id } as const;
      return { user: bot, token: issueToken(world, { user: bot, ...options, resource }) };
    },
    async fork(project, path, by) {
      const made = await makeProject(path, { members: [[by, 'owner']] }, project);
      return made;
    },
    removeMember(of, one) {
      const level = of.members.get(one.id)?.level;
      of.members.delete(one.id);
      if (level !== undefined && !('dir' in of)) {
        tellMember(world, of, { user: one, level, event: 'user_remove_from_group' });
      }
    },
    push: (project, push) => asPush(project, push.by, () => commit(project, push)),
    async deleteBranch(project, branch, by) {
      await asPush(project, by, async () => {
        const git = gitOf(world, project);
        const expected = await branchHead(git, branch);
        await updateRef(git, `refs/heads/${branch}`, { to: undefined, expected });
        return '';
      });
    },
    head: (project, branch = project.defaultBranch) => branchHead(gitOf(world, project), branch),
    pipeline: (project, options) => startPipeline(world, project, options),
    setJob: (pipeline, options) => setJob(world, pipeline, options),
    async setDefaultBranch(project, branch) {
      await gitOf(world, project).text(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
      project.defaultBranch = branch;
    },
    rename(project, path) {
      const oldPath = project.path;
      const next = group(path.slice(0, path.lastIndexOf('/')));
      const event = next === project.group ? 'project_rename' : 'project_transfer';
      project.formerPaths.add(oldPath.toLowerCase());
      project.path = path;
      project.group = next;
      tellProject(world, project, event, oldPath);
    },
    remove(project) {
      state.projects.delete(project.id);
      tellProject(world, project, 'project_destroy');
    },
    as: (person) => createPerson(world, person),
  };
}
