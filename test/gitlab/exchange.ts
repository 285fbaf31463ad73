import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { createParams, isObject, parsePairs, type Params } from './params.ts';
import { ApiProblem } from './problem.ts';
import type { Reply } from './route.ts';

/** What is sent, when it is known whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  /** The value that became the body, for the contract; undefined for texts and empty answers. */
  readonly json: unknown;
}

export interface ReadRequest {
  readonly url: URL;
  readonly raw: Buffer;
  /** Query and body apart, for the contract; `params` is both in one. */
  readonly query: Readonly<Record<string, unknown>>;
  readonly bodyValues: Readonly<Record<string, unknown>>;
  readonly params: Params;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Reads a request whole: JSON, a form or multipart, as GitLab takes them. */
export async function readRequest(request: IncomingMessage, base: string): Promise<ReadRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) {
      continue;
    }
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new ApiProblem(413, { error: '413 Request Entity Too Large' });
    }
    chunks.push(chunk);
  }
  const raw = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', base);
  const query = parsePairs(url.searchParams);
  const bodyValues = await readBody(raw, request.headers['content-type'] ?? '');
  return { url, raw, query, bodyValues, params: createParams({ ...query, ...bodyValues }) };
}

/** The answer as bytes, with the validators that Rack gives to every JSON answer. */
export function renderAnswer(
  { status = 200, body, headers = {} }: Reply,
  request: IncomingMessage,
): Answer {
  const common = { 'x-request-id': randomUUID(), 'x-content-type-options': 'nosniff' };
  if (body === undefined || status === 204) {
    return { status, headers: { ...common, ...headers }, body: Buffer.alloc(0), json: undefined };
  }
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    const type = { 'content-type': 'text/plain; charset=utf-8' };
    return {
      status,
      headers: { ...common, ...type, ...headers },
      body: Buffer.from(body),
      json: undefined,
    };
  }
  const bytes = Buffer.from(JSON.stringify(body));
  const json: unknown = JSON.parse(bytes.toString());
  const etag = `W/"${createHash('md5').update(bytes).digest('hex')}"`;
  const all = {
    ...common,
    'content-type': 'application/json',
    'cache-control': 'max-age=0, private, must-revalidate',
    ...(status === 200 ? { etag } : {}),
    ...headers,
  };
  if (status === 200 && request.method === 'GET' && request.headers['if-none-match'] === etag) {
    return { status: 304, headers: all, body: Buffer.alloc(0), json: undefined };
  }
  return { status, headers: all, body: bytes, json };
}

export function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': String(answer.body.length),
  });
  response.end(answer.body);
}

async function readBody(raw: Buffer, type: string): Promise<Record<string, unknown>> {
  if (raw.length === 0) {
    return {};
  }
  if (type.startsWith('application/json')) {
    const value = parseJson(raw);
    if (!isObject(value)) {
      throw new ApiProblem(400, { error: 'The request body must be an object.' });
    }
    return value;
  }
  if (/^(multipart\/form-data|application\/x-www-form-urlencoded)/.test(type)) {
    const form = await new Response(new Uint8Array(raw), {
      headers: { 'content-type': type },
    }).formData();
    return parsePairs(form);
  }
  throw new ApiProblem(406, { error: `The provided content-type '${type}' is not supported.` });
}

function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString());
  } catch {
    throw new ApiProblem(400, { error: 'The request body is not valid JSON.' });
  }
}
