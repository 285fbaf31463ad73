/** An answer that GitLab gives with an error status; thrown by handlers, rendered by the server. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** `{message: "404 Project Not Found"}`; also what somebody without access to a private project sees. */
export function notFound(what?: string): ApiProblem {
  return new ApiProblem(404, { message: what ? `404 ${what} Not Found` : '404 Not found' });
}

export function unauthorized(): ApiProblem {
  return new ApiProblem(401, { message: '401 Unauthorized' });
}

export function forbidden(): ApiProblem {
  return new ApiProblem(403, { message: '403 Forbidden' });
}

/** What Grape answers for a parameter that is missing or has the wrong type. */
export function badParameter(name: string, what: 'missing' | 'invalid' | 'no value'): ApiProblem {
  const says = {
    missing: 'is missing',
    invalid: 'is invalid',
    'no value': 'does not have a valid value',
  };
  return new ApiProblem(400, { error: `${name} ${says[what]}` });
}

/** A record that did not pass its validations: `{message: {source_branch: ["..."]}}`. */
export function invalidRecord(status: 400 | 409 | 422, message: unknown): ApiProblem {
  return new ApiProblem(status, { message });
}
