import type { ServerResponse } from 'node:http';

import {
  begin,
  closeText,
  countsOf,
  DEFAULT_USAGE,
  event,
  finish,
  messageItem,
  openText,
  type ReplyUsage,
  type StandInApi,
  type Writing,
  writeText,
  writeTool,
} from './reply-events.ts';

/** What the stand-in does with one request. */
export type Reply = { readonly headers?: Readonly<Record<string, string>> } & (
  | {
      readonly kind: 'text';
      readonly text?: string;
      /** The text comes in so many events (default: one for each word), `gapMs` apart. */
      readonly events?: number;
      readonly gapMs?: number;
      readonly usage?: Partial<ReplyUsage>;
    }
  | {
      readonly kind: 'tool';
      readonly name: string;
      readonly input: unknown;
      readonly usage?: Partial<ReplyUsage>;
    }
  /** An error status, in the API's own form unless `body` says otherwise. */
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly body?: unknown;
    }
  /** A stream that begins with 200 and ends with an error; `text` comes before it. */
  | { readonly kind: 'failed'; readonly code: string; readonly text?: string }
  /** Silence for ever: before the status, or in the middle of a stream. */
  | { readonly kind: 'hang'; readonly when: 'before' | 'middle' }
  /** The connection ends in the middle of a stream. */
  | { readonly kind: 'cut' }
  /** Events that are not JSON, and an end without a count. */
  | { readonly kind: 'malformed' }
  /** Anything else: a page, bad JSON, a redirect, a flood. */
  | { readonly kind: 'raw'; readonly status: number; readonly type: string; readonly body: string }
);

/** Writes a reply in the words of the API that was asked. */
export async function writeReply(
  response: ServerResponse,
  writing: Writing,
  reply: Reply,
): Promise<void> {
  const { api, n } = writing;
  switch (reply.kind) {
    case 'raw': {
      response.writeHead(reply.status, { 'content-type': reply.type, ...reply.headers });
      response.end(reply.body);
      return;
    }
    case 'error': {
      const { status, code, message = 'The stand-in refuses.', headers, body } = reply;
      response.writeHead(status, {
        'content-type': 'application/json',
        [api === 'responses' ? 'x-request-id' : 'request-id']: `req_${n}`,
        ...headers,
      });
      response.end(JSON.stringify(body ?? errorOf(api, { code, message })));
      return;
    }
    case 'hang': {
      if (reply.when === 'middle') {
        begin(response, writing, { headers: reply.headers, usage: DEFAULT_USAGE });
        writeText(response, api, 'partial ');
      }
      return;
    }
    case 'cut': {
      begin(response, writing, { headers: reply.headers, usage: DEFAULT_USAGE });
      writeText(response, api, 'partial ');
      setImmediate(() => response.destroy());
      return;
    }
    case 'malformed': {
      begin(response, writing, { headers: reply.headers, usage: DEFAULT_USAGE });
      response.write('event: message\ndata: {"type":"resp\n\ngarbage line\n\n');
      response.end();
      return;
    }
    case 'failed': {
      begin(response, writing, { headers: reply.headers, usage: DEFAULT_USAGE });
      if (reply.text !== undefined) {
        writeText(response, api, reply.text);
      }
      const error = { code: reply.code, type: reply.code, message: 'The stand-in gives up.' };
      if (api === 'responses') {
        event(response, 'response.failed', {
          response: { id: `resp_${n}`, status: 'failed', error, usage: null },
        });
      } else {
        event(response, 'error', { error: { type: reply.code, message: error.message } });
      }
      response.end();
      return;
    }
    case 'text':
    case 'tool': {
      await writeAnswer(response, writing, reply);
    }
  }
}

function errorOf(api: StandInApi, { code, message }: { code: string; message: string }): object {
  return api === 'responses'
    ? { error: { message, type: code, param: null, code } }
    : { type: 'error', error: { type: code, message } };
}

async function writeAnswer(
  response: ServerResponse,
  writing: Writing,
  reply: Extract<Reply, { kind: 'text' | 'tool' }>,
): Promise<void> {
  const { api, streams, n, model } = writing;
  const usage = { ...DEFAULT_USAGE, ...reply.usage };
  if (!streams) {
    response.writeHead(200, { 'content-type': 'application/json', ...reply.headers });
    const text = reply.kind === 'text' ? (reply.text ?? 'Hello.') : '';
    response.end(
      JSON.stringify(
        api === 'responses'
          ? {
              id: `resp_${n}`,
              status: 'completed',
              output: [messageItem(n, text)],
              usage: countsOf(api, usage),
            }
          : {
              id: `msg_${n}`,
              type: 'message',
              role: 'assistant',
              model,
              content: [{ type: 'text', text }],
              stop_reason: 'end_turn',
              usage: countsOf(api, usage),
            },
      ),
    );
    return;
  }

  begin(response, writing, { headers: reply.headers, usage });
  if (reply.kind === 'text') {
    const text = reply.text ?? 'Hello from the stand-in.';
    const words = text.match(/\S+\s*/g) ?? [];
    const pieces =
      reply.events === undefined ? words : Array.from({ length: reply.events }, () => text);
    openText(response, api, n);
    for (const piece of pieces) {
      writeText(response, api, piece);
      if (reply.gapMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, reply.gapMs));
      }
      if (response.destroyed) {
        return;
      }
    }
    closeText(response, api, { n, text: pieces.join('') });
  } else {
    writeTool(response, api, { n, name: reply.name, input: reply.input });
  }
  finish(response, writing, { usage, reason: reply.kind === 'text' ? 'end_turn' : 'tool_use' });
}
