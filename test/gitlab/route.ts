import type { Params } from './params.ts';
import type { AccessToken, User } from './records.ts';
import type { World } from './world.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

/** One request that has been let in. `path` holds the decoded parts that the pattern names. */
export interface Call {
  readonly world: World;
  readonly user: User;
  readonly token: AccessToken;
  readonly path: Readonly<Record<string, string>>;
  readonly params: Params;
  /** The URL as it was asked for, for the Link header. */
  readonly url: URL;
}

export interface Reply {
  readonly status?: number;
  /** A Buffer or a text is sent as it is, anything else as JSON; undefined is an empty answer. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: Method;
  /** Below `/api/v4`, in the notation of GitLab's document: `/projects/{id}/hooks`. */
  readonly path: string;
  /** Parameters that GitLab takes although its document does not name them. */
  readonly accepts?: readonly string[];
  /** All parameters, of a route that the document lacks. */
  readonly parameters?: readonly string[];
  /** The curated schema that the answer, or each item of it, must satisfy. */
  readonly returns?: string;
  /** Only with a paid licence: Free answers 404, as if the route were not there. */
  readonly premium?: boolean;
  /** A POST that changes nothing: `read_api` is enough. */
  readonly reads?: boolean;
  /** The scope that is enough beside `api` (and beside `read_api` for reads). */
  readonly scope?: 'read_user' | 'read_repository' | 'self_rotate';
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

export interface MatchedRoute {
  readonly route: Route;
  readonly path: Readonly<Record<string, string>>;
}

/** Finds the route of a path; a fixed part wins over a named one. Parts are split before they are decoded. */
export function createRouter(routes: readonly Route[]) {
  const known = routes.map((route) => ({ route, parts: route.path.split('/').slice(1) }));

  return {
    match(method: string, pathname: string): MatchedRoute | undefined {
      const parts = pathname.split('/').slice(1);
      const candidates = known.filter(
        (entry) =>
          entry.route.method === method &&
          entry.parts.length === parts.length &&
          entry.parts.every((piece, at) => isNamed(piece) || piece === parts[at]),
      );
      const [best] = candidates.sort(
        (left, right) => left.parts.filter(isNamed).length - right.parts.filter(isNamed).length,
      );
      if (best === undefined) {
        return undefined;
      }
      const named = best.parts.flatMap((piece, at) =>
        isNamed(piece) ? [[piece.slice(1, -1), decodePart(parts[at] ?? '')]] : [],
      );
      return { route: best.route, path: Object.fromEntries(named) };
    },
  };
}

/** The named part; a route that asks for one that its pattern lacks is a bug. */
export function part(call: Pick<Call, 'path'>, name: string): string {
  const value = call.path[name];
  if (value === undefined) {
    throw new TypeError(`The route has no part {${name}}.`);
  }
  return value;
}

function isNamed(piece: string): boolean {
  return piece.startsWith('{');
}

function decodePart(piece: string): string {
  try {
    return decodeURIComponent(piece);
  } catch {
    return piece;
  }
}
