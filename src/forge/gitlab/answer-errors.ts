import { isJsonObject } from '../../domain/canonical-json.ts';
import { AppError, type ErrorCode } from '../../kernel/errors.ts';

const LONGEST_MESSAGE = 500;

/** `GET /projects/7`: what is said of a request; never its query, headers or body. */
export interface RequestName {
  readonly method: string;
  readonly path: string;
}

/**
 * The error of an answer that is none of success. `text` must be free of secrets.
 *
 * @param repeatable whether doing the request twice does it once; a write that failed within GitLab is uncertain
 */
export function answerError(
  { method, path }: RequestName,
  {
    status,
    text,
    repeatable,
    location,
  }: { status: number; text: string; repeatable: boolean; location?: string | undefined },
): AppError {
  const said = messageOf(text).slice(0, LONGEST_MESSAGE);
  const { code, remedy } = meaningOf(status, said, repeatable);
  const what = status >= 300 && status < 400 ? `is elsewhere now: ${location ?? 'not said'}` : said;
  return new AppError(code, `GitLab answered ${status} to ${method} ${path}: ${what}`, {
    ...(remedy !== undefined && { remedy }),
    details: { status, said, method, path },
  });
}

/** What GitLab says in `message`, `error` and `error_description`, in any of their shapes, as one line. */
function messageOf(text: string): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    const page = /^\s*</.test(text);
    return page ? 'a web page, no answer of the API' : text.trim() || 'nothing';
  }
  if (!isJsonObject(body)) {
    return flatten(body);
  }
  const { message, error, error_description: description } = body;
  return (
    [message, error, description]
      .filter((part) => part !== undefined)
      .map((part) => flatten(part))
      .join(': ') || 'no message'
  );
}

function flatten(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map((item) => flatten(item)).join(', ');
  }
  if (isJsonObject(value)) {
    return Object.entries(value)
      .map(([key, item]) => `${key} ${flatten(item)}`)
      .join(', ');
  }
  return String(value);
}

function meaningOf(
  status: number,
  said: string,
  repeatable: boolean,
): { code: ErrorCode; remedy?: string } {
  if (status >= 300 && status < 400) {
    return {
      code: 'FORGE_REDIRECTED',
      remedy:
        'Set GITLAB_URL to the address that GitLab itself uses (https, no path that redirects).',
    };
  }
  switch (status) {
    case 401:
      return {
        code: 'FORGE_UNAUTHORIZED',
        remedy:
          'The token is wrong, revoked or expired: put a new one into GITLAB_TOKEN or the file of GITLAB_TOKEN_FILE. `autodev doctor` checks it.',
      };
    case 403:
      return {
        code: 'FORGE_FORBIDDEN',
        remedy: said.includes('insufficient_scope')
          ? 'Give the token the scope `api`.'
          : "Give the bot's account the role Developer in the project (Maintainer to install hooks).",
      };
    case 404:
      return {
        code: 'FORGE_NOT_FOUND',
        remedy: "It is gone, or the bot's account may not see it: look at the project's members.",
      };
    case 409:
      return { code: 'FORGE_CONFLICT' };
    case 429:
      return { code: 'FORGE_RATE_LIMITED' };
    default:
      if (status >= 500 || status === 408 || status === 425) {
        return repeatable
          ? { code: 'FORGE_UNREACHABLE', remedy: 'It is tried again by itself.' }
          : uncertain();
      }
      return status < 300 ? { code: 'FORGE_BAD_ANSWER' } : { code: 'FORGE_REFUSED' };
  }
}

function uncertain(): { code: ErrorCode; remedy: string } {
  return {
    code: 'FORGE_UNCERTAIN',
    remedy: 'Whether it was carried out is looked up before it is tried again.',
  };
}

/** An answer that came, and is not what the API answers. */
export function badAnswer(
  { method, path }: RequestName,
  what: string,
  { repeatable }: { repeatable: boolean },
): AppError {
  const message = `GitLab's answer to ${method} ${path} is ${what}.`;
  return repeatable
    ? new AppError('FORGE_BAD_ANSWER', message, {
        remedy:
          'Look whether GITLAB_URL is GitLab itself and no sign-in page or proxy; it is tried again by itself.',
      })
    : new AppError('FORGE_UNCERTAIN', message, { remedy: uncertain().remedy });
}

/** A connection that could not be made, broke, or took too long. */
export function connectionError(
  { method, path }: RequestName,
  {
    host,
    code,
    repeatable,
    sent,
  }: { host: string; code: string; repeatable: boolean; sent: boolean },
): AppError {
  const message = `${method} ${path} at ${host} got no answer (${code}).`;
  if (sent && !repeatable) {
    return new AppError('FORGE_UNCERTAIN', message, { remedy: uncertain().remedy });
  }
  const remedy = /CERT|SELF_SIGNED|UNABLE_TO|TLS/.test(code)
    ? "Name the file of GitLab's certificate authority in NODE_EXTRA_CA_CERTS."
    : 'Look whether GITLAB_URL is right and GitLab is running; it is tried again by itself.';
  return new AppError('FORGE_UNREACHABLE', message, { remedy, details: { code } });
}
