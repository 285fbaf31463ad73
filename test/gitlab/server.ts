import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { Contract } from './contract.ts';
import { readRequest, renderAnswer, send, type Answer, type ReadRequest } from './exchange.ts';
import { sendWithFault } from './fault-answers.ts';
import type { Faults } from './faults.ts';
import { parseGitPath, serveGit } from './git-http.ts';
import { ApiProblem } from './problem.ts';
import type { RateLimit } from './rate-limit.ts';
import type { createRouter, Reply } from './route.ts';
import { authenticate, requireScope } from './tokens.ts';
import { isPremium, type World } from './world.ts';

/** One request that the server got, for tests that count them. */
export interface SeenRequest {
  readonly method: string;
  /** As it was sent, with the query. */
  readonly url: string;
  readonly at: Date;
  /** Undefined until it is answered, and for one that never was. */
  status: number | undefined;
  readonly body: unknown;
}

interface ServerDeps {
  readonly world: World;
  readonly router: ReturnType<typeof createRouter>;
  readonly contract: Contract;
  readonly faults: Faults;
  readonly rateLimit: RateLimit;
  readonly seen: SeenRequest[];
  /** A bug of the server itself; the client gets a 500. */
  readonly onBug: (error: unknown) => void;
}

const API = '/api/v4';

/** Every request: fault or not, git or API, who it is, whether there is budget, the route, the contract. */
export function createHttpServer(deps: ServerDeps): Server {
  return createServer((request, response) => {
    // What a client does to its connection is no bug of ours.
    response.on('error', () => {});
    serve(deps, request, response).catch((error: unknown) => {
      if (!request.destroyed || request.complete) {
        deps.onBug(error);
      }
      if (!response.headersSent) {
        response.writeHead(500, { 'content-type': 'application/json' });
      }
      response.end(JSON.stringify({ message: '500 Internal Server Error' }));
    });
  });
}

async function serve(
  deps: ServerDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { world, faults } = deps;
  const { method = 'GET', url = '/' } = request;
  const { pathname } = new URL(url, world.url);
  const fault = faults.take(`${method} ${url}`);
  const git = parseGitPath(pathname);
  if (git) {
    note(deps, request, response, undefined);
    if (fault) {
      await sendWithFault(world, { request, response, fault, answer: undefined });
    } else {
      await serveGit(world, request, response, git);
    }
    return;
  }
  const read = await readRequest(request, world.url).catch((error: unknown) => rejected(error));
  note(deps, request, response, 'params' in read ? read.bodyValues : undefined);
  // A fault comes before the request is carried out, unless it is the answer alone that gets lost.
  const carriedOut =
    fault === undefined ||
    ['bad_json', 'half', 'slow'].includes(fault.kind) ||
    (fault.kind === 'reset' && fault.after);
  const answer = carriedOut ? await answerTo(deps, request, read) : undefined;
  if (fault) {
    await sendWithFault(world, { request, response, fault, answer });
    return;
  }
  if (answer) {
    send(response, answer);
  }
}

/** Keeps what was asked, and with what status it was answered in the end. */
function note(
  { world, seen }: Pick<ServerDeps, 'world' | 'seen'>,
  { method = 'GET', url = '/' }: IncomingMessage,
  response: ServerResponse,
  body: unknown,
): void {
  const entry: SeenRequest = { method, url, at: world.clock.now(), status: undefined, body };
  seen.push(entry);
  response.once('finish', () => {
    entry.status = response.statusCode;
  });
}

async function answerTo(
  deps: ServerDeps,
  request: IncomingMessage,
  read: ReadRequest | ApiProblem,
): Promise<Answer> {
  let headers: Record<string, string> = {};
  try {
    if (read instanceof ApiProblem) {
      throw read;
    }
    const token = authenticate(deps.world, request.headers);
    const budget = deps.rateLimit.take(token.value);
    headers = budget.headers;
    if (!budget.allowed) {
      return renderAnswer({ status: 429, body: 'Retry later\n', headers }, request);
    }
    const reply = await route(deps, { request, read, token });
    return renderAnswer({ ...reply, headers: { ...headers, ...reply.headers } }, request);
  } catch (error) {
    if (!(error instanceof ApiProblem)) {
      throw error;
    }
    const { status, body } = error;
    return renderAnswer({ status, body, headers: { ...headers, ...error.headers } }, request);
  }
}

async function route(
  { world, router, contract }: Pick<ServerDeps, 'world' | 'router' | 'contract'>,
  {
    request,
    read,
    token,
  }: { request: IncomingMessage; read: ReadRequest; token: ReturnType<typeof authenticate> },
): Promise<Reply> {
  const { method = 'GET' } = request;
  const { pathname } = read.url;
  // GraphQL alone is not below the API of version 4.
  const place = pathname.startsWith(`${API}/`) ? pathname.slice(API.length) : pathname;
  const found =
    place !== pathname || place === '/api/graphql' ? router.match(method, place) : undefined;
  if (found === undefined) {
    contract.unknownRoute(method, pathname);
    throw new ApiProblem(404, { error: '404 Not Found' });
  }
  if (found.route.premium && !isPremium(world)) {
    throw new ApiProblem(404, { error: '404 Not Found' });
  }
  contract.checkRequest(found.route, read);
  requireScope(token, found.route);
  const call = {
    world,
    user: token.user,
    token,
    path: found.path,
    params: read.params,
    url: read.url,
  };
  try {
    const reply = await found.route.handle(call);
    contract.checkResponse(found.route, renderAnswer(reply, request));
    return reply;
  } catch (error) {
    if (error instanceof ApiProblem) {
      contract.checkResponse(found.route, renderAnswer(error, request));
    }
    throw error;
  }
}

function rejected(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) {
    return error;
  }
  throw error;
}
