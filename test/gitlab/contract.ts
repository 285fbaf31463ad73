import type { Answer, ReadRequest } from './exchange.ts';
import type { Route } from './route.ts';

/** One exchange that GitLab's documents do not allow. */
export interface Violation {
  /** `POST /projects/{id}/hooks`, or the raw path of a request that has no route. */
  readonly route: string;
  readonly side: 'request' | 'response';
  readonly problem: string;
}

export interface Contract {
  readonly violations: readonly Violation[];
  /** The violations so far, and none from then on: for tests that cause them on purpose. */
  take(): Violation[];
  unknownRoute(method: string, pathname: string): void;
  checkRequest(route: Route, request: ReadRequest): void;
  checkResponse(route: Route, answer: Answer): void;
}

/** What the documents say; without them only routes that carry their own parameter list are checked. */
export interface Documents {
  /** Names that may be sent in the query and in the body; undefined when the document lacks the route. */
  requestNames(route: Route): { query: ReadonlySet<string>; body: ReadonlySet<string> } | undefined;
  /** What is wrong with the types of a request. */
  requestProblems(route: Route, request: ReadRequest): string[];
  /** What is wrong with an answer: names that no document knows, types that the curated schemas forbid. */
  responseProblems(route: Route, answer: Answer): string[];
}

const PAGING = ['page', 'per_page', 'pagination', 'page_token'];

export function createContract(documents: Documents | undefined): Contract {
  let violations: Violation[] = [];
  const add = (route: Route, side: Violation['side'], problem: string): void => {
    violations.push({ route: nameOf(route), side, problem });
  };

  return {
    get violations() {
      return violations;
    },
    take() {
      const taken = violations;
      violations = [];
      return taken;
    },
    unknownRoute(method, pathname) {
      violations.push({
        route: `${method} ${pathname}`,
        side: 'request',
        problem: 'GitLab has no such endpoint, or the test server has not yet.',
      });
    },
    checkRequest(route, request) {
      const known = documents?.requestNames(route);
      if (known === undefined && route.parameters === undefined) {
        if (documents !== undefined) {
          add(
            route,
            'request',
            'The document lacks this route, and it names no parameters itself.',
          );
        }
        return;
      }
      const own = new Set([...(route.accepts ?? []), ...(route.parameters ?? []), ...PAGING]);
      for (const name of Object.keys(request.query)) {
        if (!own.has(name) && !known?.query.has(name) && !known?.body.has(name)) {
          add(route, 'request', `unknown query parameter ${name}`);
        }
      }
      for (const name of Object.keys(request.bodyValues)) {
        if (!own.has(name) && !known?.body.has(name)) {
          add(route, 'request', `unknown body parameter ${name}`);
        }
      }
      for (const problem of documents?.requestProblems(route, request) ?? []) {
        add(route, 'request', problem);
      }
    },
    checkResponse(route, answer) {
      for (const problem of documents?.responseProblems(route, answer) ?? []) {
        add(route, 'response', problem);
      }
    },
  };
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}
