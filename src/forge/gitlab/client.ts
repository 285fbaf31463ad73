import { createRequesterFn, type RequesterType } from '@gitbeaker/requester-utils';
import {
  Branches,
  Commits,
  Groups,
  IssueNotes,
  Issues,
  MergeRequestApprovals,
  MergeRequestDiscussions,
  MergeRequestNotes,
  MergeRequests,
  Metadata,
  PersonalAccessTokens,
  ProjectHooks,
  ProjectMembers,
  Projects,
  ProtectedBranches,
  Repositories,
  RepositoryFiles,
  Users,
} from '@gitbeaker/rest';

import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { createGraphql, type Graphql } from './graphql.ts';
import type { RequestBudget } from './request-budget.ts';
import { createSend, type ForgeRequest, type Send, type SendDeps } from './send.ts';
import type { TokenSource } from './token.ts';

/** GitLab's API, each group of calls with gitbeaker's names. What they answer is unknown until `read` has seen it. */
type Resources = ReturnType<typeof makeResources>;

export interface GitlabClient {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: TokenSource;
  readonly clock: Clock;
  /** The calls of one task: they end when `signal` aborts. */
  api(signal: AbortSignal): Resources;
  readonly graphql: Graphql;
  /** What no group of calls has: the path below /api/v4, encoded. */
  readonly send: (
    request: Omit<ForgeRequest, 'url'> & { path: string },
    signal: AbortSignal,
  ) => ReturnType<Send>;
}

export interface ClientDeps {
  /** GITLAB_URL. */
  url: string;
  token: TokenSource;
  budget: RequestBudget;
  clock: Clock;
  limits?: SendDeps['limits'];
}

/** Pages of a list that are read at most; a list that is longer is a mistake of the caller's. */
const MAX_PAGES = 500;
const PER_PAGE = 100;

/** What every list is asked with. */
export const WHOLE_LIST = { perPage: PER_PAGE, maxPages: MAX_PAGES } as const;

export function createGitlabClient({
  url: given,
  token,
  budget,
  clock,
  limits,
}: ClientDeps): GitlabClient {
  const url = requireUrl(given);
  const send = createSend({ clock, token, budget, ...(limits && { limits }) });
  return {
    url,
    token,
    clock,
    api: (signal) => makeResources(url, send, signal),
    graphql: createGraphql({ url, send }),
    send: ({ path, ...request }, signal) =>
      send({ ...request, url: new URL(`${url}/api/v4/${path}`) }, signal),
  };
}

function requireUrl(given: string): string {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new AppError('SETTINGS_INVALID', 'GITLAB_URL is no address of a GitLab.', {
      remedy: 'Write it as https://gitlab.example.org, without a user, token or query.',
    });
  }
  return url.href.replace(/\/+$/, '');
}

/**
 * Made for each task, because only so a call can be stopped: gitbeaker takes a requester per group of calls and no
 * signal per call. They hold no state; making all of them takes some ten microseconds.
 */
function makeResources(host: string, send: Send, signal: AbortSignal) {
  // No token is given to gitbeaker: it would keep it in errors and in what it prints. `send` adds it.
  const options = {
    host,
    requesterFn: requesterOf(send, signal),
    queryTimeout: null,
    rateLimits: {},
  };
  return {
    get branches() {
      return new Branches(options);
    },
    get commits() {
      return new Commits(options);
    },
    get groups() {
      return new Groups(options);
    },
    get issueNotes() {
      return new IssueNotes(options);
    },
    get issues() {
      return new Issues(options);
    },
    get approvals() {
      return new MergeRequestApprovals(options);
    },
    get discussions() {
      return new MergeRequestDiscussions(options);
    },
    get notes() {
      return new MergeRequestNotes(options);
    },
    get mergeRequests() {
      return new MergeRequests(options);
    },
    get metadata() {
      return new Metadata(options);
    },
    get tokens() {
      return new PersonalAccessTokens(options);
    },
    get hooks() {
      return new ProjectHooks(options);
    },
    get members() {
      return new ProjectMembers(options);
    },
    get projects() {
      return new Projects(options);
    },
    get protectedBranches() {
      return new ProtectedBranches(options);
    },
    get repositories() {
      return new Repositories(options);
    },
    get files() {
      return new RepositoryFiles(options);
    },
    get users() {
      return new Users(options);
    },
  };
}

/** What gitbeaker sends its calls through: `send`, and nothing of its own retries, limits and redirects. */
function requesterOf(
  send: Send,
  signal: AbortSignal,
): (service: Parameters<ReturnType<typeof createRequesterFn>>[0]) => RequesterType {
  return createRequesterFn(
    (_service, request) => Promise.resolve(request),
    async (endpoint, { method, searchParams, body, prefixUrl } = {}) => {
      const url = new URL(endpoint, `${String(prefixUrl).replace(/\/+$/, '')}/`);
      url.search = typeof searchParams === 'string' ? searchParams : '';
      const verb = methodOf(method);
      const answer = await send(
        {
          method: verb,
          url,
          body: typeof body === 'string' ? body : undefined,
          repeatable: isRepeatable(verb, endpoint),
          expects: 'json',
        },
        signal,
      );
      return {
        status: answer.status,
        headers: { ...answer.headers },
        // gitbeaker passes it on as it is.
        body: isBody(answer.body) ? answer.body : null,
      };
    },
  );
}

function isBody(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null;
}

function methodOf(method: unknown): ForgeRequest['method'] {
  switch (method) {
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
      return method;
    default:
      return 'GET';
  }
}

/** A PUT sets what it says, but a merge or rebase is done once. */
function isRepeatable(method: ForgeRequest['method'], endpoint: string): boolean {
  return (
    method === 'GET' ||
    method === 'DELETE' ||
    (method === 'PUT' && !/\/(merge|rebase|reset_approvals)$/.test(endpoint))
  );
}
