import { AppError, isErrorCode } from '../kernel/errors.ts';

interface ClientOptions {
  url: string;
  token: string | undefined;
  signal: AbortSignal;
}

type Query = Record<string, string | number | readonly string[] | undefined>;

/** The API as a command sees it: paths without their prefix, answers parsed, problems thrown. */
export interface ApiClient {
  readonly url: string;
  get: <Answer>(path: string, query?: Query) => Promise<Answer>;
  post: <Answer>(path: string, body?: object) => Promise<Answer>;
  delete: (path: string) => Promise<void>;
  /** The answer as it comes in: text, JSON lines, events. */
  stream: (path: string, options: StreamOptions) => AsyncIterable<string>;
}

interface StreamOptions {
  accept: string;
  query?: Query;
  headers?: Record<string, string>;
  /** Ends this stream alone, with an AbortError. */
  signal?: AbortSignal;
}

export function createApiClient({ url, token, signal }: ClientOptions): ApiClient {
  const request = async (
    method: string,
    path: string,
    { query = {}, body, accept = 'application/json', headers = {}, signal: own }: RequestOptions,
  ): Promise<Response> => {
    const answer = await fetch(target(url, path, query), {
      method,
      signal: own === undefined ? signal : AbortSignal.any([signal, own]),
      headers: {
        accept,
        'user-agent': 'autodev-cli',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw unreachable(error, url);
    });
    if (!answer.ok) {
      throw await problemOf(answer, path);
    }
    return answer;
  };

  return {
    url,
    get: async (path, query = {}) => jsonOf(await request('GET', path, { query })),
    post: async (path, body = {}) => jsonOf(await request('POST', path, { body })),
    delete: async (path) => {
      await request('DELETE', path, {});
    },
    stream: async function* (path, options) {
      const { body } = await request('GET', path, options);
      yield* body?.pipeThrough(new TextDecoderStream()) ?? [];
    },
  };
}

/** The server is of the same build: its answers are what the read models' schemas made of them. */
async function jsonOf<Answer>(answer: Response): Promise<Answer> {
  const body: Answer = JSON.parse(await answer.text());
  return body;
}

interface RequestOptions extends Partial<StreamOptions> {
  body?: object;
}

function target(base: string, path: string, query: Query): URL {
  const url = new URL(`/api/v1${path}`, base);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) {
        url.searchParams.append(name, String(one));
      }
    }
  }
  return url;
}

/** `fetch` hides the reason in `cause`. An abort is Ctrl-C and passes as it is. */
function unreachable(error: unknown, url: string): unknown {
  if (!(error instanceof TypeError)) {
    return error;
  }
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  return new AppError('UNAVAILABLE', `Auto-Dev is not running at ${url}`, {
    cause: error,
    remedy: 'start it with `npm start`, or say where it runs with --url',
    details: { cause },
  });
}

async function problemOf(answer: Response, path: string): Promise<AppError> {
  const text = await answer.text();
  const { code: named, detail, remedy } = fields(text);
  const code = isErrorCode(named) ? named : codeOf(answer.status);
  const says =
    typeof remedy === 'string' ? remedy : code === 'NOT_FOUND' ? listing(path) : undefined;
  return new AppError(
    code,
    typeof detail === 'string' ? detail : `the server answered ${answer.status}`,
    says === undefined ? {} : { remedy: says },
  );
}

/** The command that lists what there is of the kind that `path` asked for. */
function listing(path: string): string | undefined {
  return LISTINGS.find(([begin]) => path.startsWith(begin))?.[1];
}

const LISTINGS: readonly (readonly [begin: string, remedy: string])[] = [
  ['/jobs/', '`autodev jobs` lists the jobs'],
  ['/gates/', '`autodev approvals` lists what waits for you'],
  ['/controls/', '`autodev status` shows what is paused'],
  ['/runners/', '`autodev runners` lists them'],
];

function fields(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {}; // something else answers at this address
  }
}

/** Of an answer that names no code of ours. 502 to 504 are a proxy's words for a server that is away. */
function codeOf(status: number): 'NOT_FOUND' | 'UNAVAILABLE' | 'INTERNAL' | 'INVALID_REQUEST' {
  if (status === 404) {
    return 'NOT_FOUND';
  }
  if (status >= 502 && status <= 504) {
    return 'UNAVAILABLE';
  }
  return status >= 500 ? 'INTERNAL' : 'INVALID_REQUEST';
}
