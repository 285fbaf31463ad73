import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { maySee, projectLevel } from './access.ts';
import { gitEnvironment } from './git/git.ts';
import { listRefs } from './git/read.ts';
import { pushed } from './pushed.ts';
import type { AccessToken, Project } from './records.ts';
import { findMovedProject, findProject } from './state.ts';
import { authenticateGit } from './tokens.ts';
import { gitOf, type World } from './world.ts';

/** `/group/project.git/info/refs` and the two services; undefined for every other path. */
export function parseGitPath(pathname: string): { project: string; rest: string } | undefined {
  const found = /^\/(.+?)\.git(\/(?:info\/refs|git-upload-pack|git-receive-pack))$/.exec(pathname);
  const [, project, rest] = found ?? [];
  return project === undefined || rest === undefined ? undefined : { project, rest };
}

/**
 * Smart HTTP for one repository through `git http-backend`. Any user name with a token as password; what was pushed
 * is known to the API before the pusher's git hears of its success.
 */
export async function serveGit(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  { project: path, rest }: { project: string; rest: string },
): Promise<void> {
  const url = new URL(request.url ?? '/', world.url);
  const project = findProject(world.state, path);
  const writes =
    rest === '/git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
  const token = authenticateGit(world, request.headers);
  if (token === undefined && (writes || project?.visibility !== 'public')) {
    return refuse(response, 401, 'HTTP Basic: Access denied', {
      'www-authenticate': 'Basic realm="GitLab"',
    });
  }
  if (project === undefined || (token && !maySee(world, project, token.user))) {
    const moved = findMovedProject(world.state, path);
    return moved && token && maySee(world, moved, token.user)
      ? refuse(response, 301, '', {
          location: `${world.url}/${moved.path}.git${rest}${url.search}`,
        })
      : refuse(response, 404, 'The project you were looking for could not be found.');
  }
  const refused = token && whyNot(world, { project, token, writes });
  if (refused !== undefined) {
    return refuse(response, 403, refused);
  }
  const run = () =>
    runBackend(world, request, { project, token, rest, query: url.search.slice(1) });
  if (rest !== '/git-receive-pack' || token === undefined) {
    return answer(response, await run());
  }
  await world.lock.run(project.id, async () => {
    const before = await listRefs(gitOf(world, project));
    const output = await run();
    await pushed(world, project, { before, user: token.user });
    answer(response, output);
  });
}

function whyNot(
  world: World,
  { project, token, writes }: { project: Project; token: AccessToken; writes: boolean },
): string | undefined {
  const scopes = writes
    ? (['api', 'write_repository'] as const)
    : (['api', 'read_api', 'read_repository', 'write_repository'] as const);
  if (!scopes.some((scope) => token.scopes.includes(scope))) {
    return 'The provided token does not have the required scope for this repository.';
  }
  const level = projectLevel(world, project, token.user);
  if (writes && (level < 30 || project.archived)) {
    return 'You are not allowed to push code to this project.';
  }
  return !writes && level < 20 && project.visibility === 'private'
    ? 'You are not allowed to download code from this project.'
    : undefined;
}

/** Starts git's own CGI program, feeds it the request and waits for all that it says. */
async function runBackend(
  world: World,
  request: IncomingMessage,
  {
    project,
    token,
    rest,
    query,
  }: { project: Project; token: AccessToken | undefined; rest: string; query: string },
): Promise<Buffer> {
  const header = (name: string): string | undefined => request.headers[name]?.toString();
  const optional = {
    CONTENT_TYPE: header('content-type'),
    CONTENT_LENGTH: header('content-length'),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    GIT_PROTOCOL: header('git-protocol'),
  };
  const child = spawn('git', ['http-backend'], {
    env: {
      ...gitEnvironment(world.searchPath),
      GIT_PROJECT_ROOT: project.dir,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: rest,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? 'GET',
      REMOTE_ADDR: '127.0.0.1',
      ...(token ? { REMOTE_USER: token.user.username, ...protection(world, project, token) } : {}),
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // A client that goes away mid-push must not leave the program waiting for the rest.
  request.once('close', () => {
    if (!request.complete) {
      child.kill();
    }
  });
  child.stdin.on('error', () => {});
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  return Buffer.concat(chunks);
}

/** What the pre-receive hook refuses this pusher. */
function protection(world: World, project: Project, token: AccessToken): Record<string, string> {
  const level = projectLevel(world, project, token.user);
  const names = (list: Project['protectedBranches']): string =>
    ` ${list.map(({ name }) => `refs/heads/${name}`).join(' ')} `;
  return {
    GITLAB_NO_PUSH: names(
      project.protectedBranches.filter(({ pushLevel }) => pushLevel === 0 || level < pushLevel),
    ),
    GITLAB_NO_FORCE: names(
      project.protectedBranches.filter(({ allowForcePush }) => !allowForcePush),
    ),
  };
}

function answer(response: ServerResponse, output: Buffer): void {
  const end = output.indexOf('\r\n\r\n');
  if (end < 0) {
    refuse(response, 500, 'git http-backend did not answer.');
    return;
  }
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of output.subarray(0, end).toString().split('\r\n')) {
    const [name = '', ...value] = line.split(': ');
    if (name.toLowerCase() === 'status') {
      status = Number.parseInt(value.join(': '), 10);
    } else {
      headers[name] = value.join(': ');
    }
  }
  const body = output.subarray(end + 4);
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.end(body);
}

function refuse(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(text);
}
