import { isJsonObject } from '../../domain/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Send } from './send.ts';

/**
 * Asks GitLab's GraphQL API; queries only, so asking twice does no harm. Answers `data`.
 *
 * @throws {AppError} FORGE_REFUSED with GitLab's words where it names errors; `isTooComplex` and `lacksField` tell them
 */
export type Graphql = (
  query: string,
  variables: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<Readonly<Record<string, unknown>>>;

const PATH = '/api/graphql';

export function createGraphql({ url, send }: { url: string; send: Send }): Graphql {
  return async (query, variables, signal) => {
    const { body } = await send(
      {
        method: 'POST',
        url: new URL(`${url}${PATH}`),
        body: JSON.stringify({ query, variables }),
        repeatable: true,
        expects: 'json',
      },
      signal,
    );
    const { data, errors }: Readonly<Record<string, unknown>> = isJsonObject(body) ? body : {};
    if (Array.isArray(errors) && errors.length > 0) {
      const said = errors.map((error: unknown) => messageOf(error)).join('; ');
      throw new AppError('FORGE_REFUSED', `GitLab refused a query: ${said.slice(0, 500)}`, {
        details: { said },
      });
    }
    if (!isJsonObject(data)) {
      throw new AppError('FORGE_BAD_ANSWER', `GitLab's answer to POST ${PATH} has no data.`, {
        remedy: 'Look whether GITLAB_URL is GitLab itself; it is tried again by itself.',
      });
    }
    return data;
  };
}

/** The query asks for more than GitLab allows in one: half of it may do. */
export function isTooComplex(error: unknown): boolean {
  return saysInRefusal(error, /max complexity|too complex|query is too large/i);
}

/** This GitLab is older than the field. */
export function lacksField(error: unknown): boolean {
  return saysInRefusal(error, /doesn't exist on type/i);
}

function saysInRefusal(error: unknown, words: RegExp): boolean {
  return error instanceof AppError && error.code === 'FORGE_REFUSED' && words.test(error.message);
}

function messageOf(error: unknown): string {
  const message = isJsonObject(error) ? error['message'] : undefined;
  return typeof message === 'string' ? message : 'no message';
}
