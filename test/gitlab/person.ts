import { tellMergeRequest } from './events/merge-request-event.ts';
import { userSection } from './events/sections.ts';
import { allNotes } from './notes.ts';
import { createParams } from './params.ts';
import type { Issue, MergeRequest, Note, Project, ReviewState, User } from './records.ts';
import { createRouter, type Method, type Reply } from './route.ts';
import { ROUTES } from './routes/all.ts';
import type { World } from './world.ts';

/** What somebody does in the browser. The rules are those of the API: what it refuses is thrown as ApiProblem. */
export interface Person {
  openMergeRequest(
    project: Project,
    options: {
      source: string;
      title: string;
      target?: string;
      description?: string;
      labels?: readonly string[];
      reviewers?: readonly User[];
      /** The project that holds the source branch, when it is a fork. */
      from?: Project;
    },
  ): Promise<MergeRequest>;
  /** Title, description, labels, target_branch, state_event: what the API's PUT takes. */
  edit(on: MergeRequest | Issue, values: Readonly<Record<string, unknown>>): Promise<void>;
  close(on: MergeRequest | Issue): Promise<void>;
  reopen(on: MergeRequest | Issue): Promise<void>;
  label(on: MergeRequest | Issue, ...labels: string[]): Promise<void>;
  unlabel(on: MergeRequest | Issue, ...labels: string[]): Promise<void>;
  comment(on: MergeRequest | Issue, body: string): Promise<Note>;
  editComment(on: MergeRequest | Issue, note: Note, body: string): Promise<void>;
  /** Starts a thread that can be resolved. */
  discuss(on: MergeRequest, body: string): Promise<Note>;
  approve(mergeRequest: MergeRequest, options?: { sha?: string }): Promise<void>;
  unapprove(mergeRequest: MergeRequest): Promise<void>;
  /** The verdict of a reviewer; on Premium `requested_changes` stands against merging. */
  review(mergeRequest: MergeRequest, state: ReviewState): void;
  merge(
    mergeRequest: MergeRequest,
    options?: { sha?: string; squash?: boolean; should_remove_source_branch?: boolean },
  ): Promise<void>;
  rebase(mergeRequest: MergeRequest): Promise<void>;
  openIssue(
    project: Project,
    options: {
      title: string;
      description?: string;
      labels?: readonly string[];
      assignees?: readonly User[];
      confidential?: boolean;
    },
  ): Promise<Issue>;
  react(on: MergeRequest | Issue, emoji: string): Promise<void>;
}

export function createPerson(world: World, user: User): Person {
  const router = createRouter(ROUTES);

  const act = async (
    method: Method,
    path: string,
    values: Readonly<Record<string, unknown>> = {},
  ): Promise<Reply> => {
    const found = router.match(method, path);
    if (found === undefined) {
      throw new TypeError(`There is no route ${method} ${path}.`);
    }
    return found.route.handle({
      world,
      user,
      token: BROWSER(user, world.clock.now()),
      path: found.path,
      params: createParams(values),
      url: new URL(path, world.url),
    });
  };
  const edit: Person['edit'] = async (on, values) => {
    await act('PUT', pathOf(on), values);
  };
  const lastNote = (on: MergeRequest | Issue): Note => {
    const note = allNotes(on).findLast(({ system }) => !system);
    if (note === undefined) {
      throw new TypeError('The comment was not kept.');
    }
    return note;
  };

  return {
    edit,
    async openMergeRequest(
      project,
      { source, title, target, description, labels, reviewers, from },
    ) {
      await act('POST', `/projects/${(from ?? project).id}/merge_requests`, {
        source_branch: source,
        target_branch: target ?? project.defaultBranch,
        title,
        description,
        labels,
        reviewer_ids: reviewers?.map(({ id }) => id),
        target_project_id: project.id,
      });
      return last(world.state.mergeRequests);
    },
    close: (on) => edit(on, { state_event: 'close' }),
    reopen: (on) => edit(on, { state_event: 'reopen' }),
    label: (on, ...labels) => edit(on, { add_labels: labels }),
    unlabel: (on, ...labels) => edit(on, { remove_labels: labels }),
    async comment(on, body) {
      await act('POST', `${pathOf(on)}/notes`, { body });
      return lastNote(on);
    },
    async editComment(on, note, body) {
      await act('PUT', `${pathOf(on)}/notes/${note.id}`, { body });
    },
    async discuss(on, body) {
      await act('POST', `${pathOf(on)}/discussions`, { body });
      return lastNote(on);
    },
    async approve(mergeRequest, { sha } = {}) {
      await act('POST', `${pathOf(mergeRequest)}/approve`, { sha });
    },
    async unapprove(mergeRequest) {
      await act('POST', `${pathOf(mergeRequest)}/unapprove`);
    },
    review(mergeRequest, state) {
      const createdAt = world.clock.now();
      const previous = mergeRequest.reviewers.map((one) => ({
        ...userSection(one.user),
        state: one.state,
      }));
      const found = mergeRequest.reviewers.find((reviewer) => reviewer.user === user);
      if (found) {
        found.state = state;
      } else {
        mergeRequest.reviewers.push({ user, state, createdAt });
      }
      const current = mergeRequest.reviewers.map((one) => ({
        ...userSection(one.user),
        state: one.state,
      }));
      tellMergeRequest(world, mergeRequest, {
        action: 'update',
        user,
        changes: { reviewers: { previous, current } },
      });
    },
    async merge(mergeRequest, options = {}) {
      await act('PUT', `${pathOf(mergeRequest)}/merge`, options);
    },
    async rebase(mergeRequest) {
      await act('PUT', `${pathOf(mergeRequest)}/rebase`);
    },
    async openIssue(project, { assignees, ...options }) {
      await act('POST', `/projects/${project.id}/issues`, {
        ...options,
        assignee_ids: assignees?.map(({ id }) => id),
      });
      return last(world.state.issues);
    },
    async react(on, emoji) {
      await act('POST', `${pathOf(on)}/award_emoji`, { name: emoji });
    },
  };
}

/** A session of the browser may do all that its user may. */
const BROWSER = (user: User, now: Date) =>
  ({
    id: 0,
    value: '',
    name: 'browser',
    user,
    scopes: ['api'],
    createdAt: now,
    expiresAt: undefined,
    revoked: false,
    lastUsedAt: now,
    family: 0,
    resource: undefined,
  }) as const;

function pathOf({ kind, project, iid }: MergeRequest | Issue): string {
  return `/projects/${project.id}/${kind === 'issue' ? 'issues' : 'merge_requests'}/${iid}`;
}

function last<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) {
    throw new TypeError('What was made was not kept.');
  }
  return item;
}
