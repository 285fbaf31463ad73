import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

import { isJsonObject } from '../../src/domain/canonical-json.ts';
import { type Reply, writeReply } from './replies.ts';
import type { StandInApi } from './reply-events.ts';

export interface StandInRequest {
  readonly api: StandInApi;
  /** What stands before the API's path: tests may name a scenario there. */
  readonly prefix: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly bytes: number;
  /** 1 for the first. */
  readonly n: number;
}

export interface LlmStandIn extends AsyncDisposable {
  readonly url: string;
  /** As settings have them: OpenAI's with the version, Anthropic's without. */
  readonly baseUrls: { readonly codex: string; readonly claude: string };
  readonly requests: readonly StandInRequest[];
  /** Answers that are not at their end. */
  readonly open: number;
  /** Answers whose caller went away before their end. */
  readonly abandoned: number;
}

/**
 * A stand-in for the two providers on the loopback: a real HTTP server that answers as `reply` says. It knows the
 * Responses API (`…/responses`) and the Messages API (`…/messages`), each as stream and as one document.
 */
export async function startLlmStandIn(
  reply: (request: StandInRequest) => Reply,
): Promise<LlmStandIn> {
  const requests: StandInRequest[] = [];
  const counts = { open: 0, abandoned: 0 };
  const server = createServer((incoming, response) => {
    counts.open += 1;
    response.on('close', () => {
      counts.open -= 1;
      counts.abandoned += response.writableFinished ? 0 : 1;
    });
    const serve = async (): Promise<void> => {
      const request = await read(incoming, requests.length + 1);
      if (request === undefined) {
        response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
        return;
      }
      requests.push(request);
      const { api, body, n } = request;
      const writing = { api, n, model: String(body['model']), streams: body['stream'] === true };
      await writeReply(response, writing, reply(request));
    };
    serve().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const url = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  return {
    url,
    baseUrls: { codex: `${url}/v1`, claude: url },
    requests,
    get open() {
      return counts.open;
    },
    get abandoned() {
      return counts.abandoned;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(incoming: IncomingMessage, n: number): Promise<StandInRequest | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  }
  const path = /^(.*)\/(?:v1\/)?(responses|messages)(?:\?beta=true)?$/.exec(incoming.url ?? '');
  const [, prefix = '', name] = path ?? [];
  if (incoming.method !== 'POST' || (name !== 'responses' && name !== 'messages')) {
    return undefined;
  }
  const raw = Buffer.concat(chunks);
  const body: unknown = JSON.parse(raw.toString());
  return {
    api: name,
    prefix,
    headers: incoming.headers,
    body: isJsonObject(body) ? body : {},
    bytes: raw.length,
    n,
  };
}
