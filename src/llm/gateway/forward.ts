import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

import type { Dispatcher } from 'undici';

import { ANSWERED_HEADERS, type LlmApi } from './api.ts';
import { createKeyMask, maskText } from './mask-key.ts';
import { errorBody, type RefusalStatus } from './refusal.ts';
import { type AnswerUsage, createUsageReader } from './usage-reader.ts';

export interface UpstreamCall {
  readonly api: LlmApi;
  readonly dispatcher: Dispatcher;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Is kept out of everything that goes back. */
  readonly key: string;
  /** A provider that sends nothing for so long is gone. */
  readonly silenceMs: number;
}

export interface CallEnd {
  readonly how: /** 2xx, to its end. */
    | 'answered'
    /** An error status: nothing was generated. */
    | 'rejected'
    /** Not an answer of such an API: a redirect, a page, compressed bytes. Nothing was generated. */
    | 'unusable'
    /** No connection: nothing was sent. */
    | 'unreachable'
    /** The provider, or the worker, went away in the middle; what it costs is not known. */
    | 'cut';
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly usage: AnswerUsage | undefined;
  /** The parsed body of a rejection, or the error within a stream. */
  readonly error: unknown;
  /** For logs: without address, key or content. */
  readonly detail: string | undefined;
}

const GONE = 'the worker ended the call';
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Sends one call and passes the answer on as it comes: the worker's pace is the provider's. Resolves when both sides
 * are done with it, never rejects, tries nothing twice. Aborting `signal` ends both.
 */
export function forward(
  call: UpstreamCall,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<CallEnd> {
  const { promise, resolve } = Promise.withResolvers<CallEnd>();
  const mask = createKeyMask(call.key);
  let answer: Answer | undefined;
  let controller: Dispatcher.DispatchController | undefined;
  let isGone = false;

  const leave = (): void => {
    isGone = true;
    if (controller === undefined) {
      // Still on the way to the provider: `onRequestStart` ends it before anything is sent.
      response.destroy();
      finish('unreachable', GONE);
    } else {
      controller.abort(new Error(GONE));
    }
  };
  const onClose = (): void => {
    if (!response.writableFinished) {
      leave();
    }
  };
  response.on('close', onClose);
  response.on('drain', () => controller?.resume());
  signal.addEventListener('abort', leave, { once: true });

  /** The first time counts. */
  const finish = (how: CallEnd['how'], detail?: string): void => {
    signal.removeEventListener('abort', leave);
    response.off('close', onClose);
    const usage = answer?.reader?.end();
    resolve({
      how,
      status: answer?.status,
      headers: answer?.headers ?? {},
      usage,
      error: answer?.isError === true ? parseError(answer.collected) : usage?.failure,
      detail,
    });
  };

  const giveUp = (
    how: CallEnd['how'],
    { status, text }: { status: RefusalStatus; text: string },
  ) => {
    if (response.headersSent || response.destroyed) {
      // The worker must see that it was cut: an answer that merely ends would look whole.
      response.destroy();
    } else {
      send(response, status, { body: errorBody(call.api, status, text) });
    }
    finish(how, text);
  };

  call.dispatcher.dispatch(
    {
      method: 'POST',
      path: call.path,
      headers: {
        ...call.headers,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
      },
      body: call.body,
      headersTimeout: call.silenceMs,
      bodyTimeout: call.silenceMs,
    },
    {
      onRequestStart(started) {
        controller = started;
        if (isGone) {
          started.abort(new Error(GONE));
        }
      },
      onResponseStart(_, status, headers) {
        if (status < 200) {
          return;
        }
        answer = beginAnswer(call, status, headers);
        if (answer.problem === undefined && !answer.isError) {
          response.writeHead(status, answer.headers);
          response.flushHeaders();
        }
      },
      onResponseData(from, chunk) {
        if (answer?.reader !== undefined) {
          answer.reader.push(chunk);
          const clean = mask.push(chunk);
          if (clean.length > 0 && !response.write(clean)) {
            from.pause();
          }
        } else if (answer?.isError === true && answer.collectedBytes < MAX_ERROR_BYTES) {
          answer.collected.push(chunk);
          answer.collectedBytes += chunk.length;
        }
      },
      onResponseEnd() {
        if (answer?.problem !== undefined) {
          giveUp('unusable', { status: 502, text: answer.problem });
        } else if (answer?.isError === true) {
          sendRejection(response, answer, call.key);
          finish('rejected');
        } else {
          response.end(mask.end());
          finish('answered');
        }
      },
      onResponseError(_, error) {
        if (isGone) {
          response.destroy();
          finish('cut', GONE);
        } else if (controller === undefined) {
          giveUp('unreachable', {
            status: 502,
            text: `the provider cannot be reached (${codeOf(error)})`,
          });
        } else {
          const isSilent = /TIMEOUT/.test(codeOf(error));
          giveUp('cut', {
            status: isSilent ? 504 : 502,
            text: isSilent
              ? 'the provider sent nothing for too long'
              : `the provider broke off (${codeOf(error)})`,
          });
        }
      },
    },
  );
  return promise;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly isError: boolean;
  /** Why it cannot be passed on. */
  readonly problem: string | undefined;
  readonly reader: ReturnType<typeof createUsageReader> | undefined;
  readonly collected: Buffer[];
  collectedBytes: number;
}

function beginAnswer(
  { api, key }: UpstreamCall,
  status: number,
  given: IncomingHttpHeaders,
): Answer {
  const type = given['content-type'] ?? '';
  const isStream = /^text\/event-stream\b/i.test(type);
  const isError = status >= 400;
  const problem = isError ? undefined : problemOf(status, given, { isStream, key });
  const headers = Object.entries(given).flatMap(([name, value]) =>
    typeof value === 'string' && (name === 'content-type' || ANSWERED_HEADERS.test(name))
      ? [[name, maskText(value, key)] as const]
      : [],
  );
  return {
    status,
    headers: Object.fromEntries(headers),
    isError,
    problem,
    reader:
      isError || problem !== undefined ? undefined : createUsageReader(api, { streams: isStream }),
    collected: [],
    collectedBytes: 0,
  };
}

function problemOf(
  status: number,
  headers: IncomingHttpHeaders,
  { isStream, key }: { isStream: boolean; key: string },
): string | undefined {
  const type = maskText(headers['content-type'] ?? 'no content type', key);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (status >= 300) {
    return `the provider's address answered with a redirect (${status}); correct its base URL`;
  }
  if (!isStream && !/^application\/json\b/i.test(type)) {
    return `the provider's address answered with ${type.slice(0, 60)}, which is no such API; correct its base URL`;
  }
  return encoding === 'identity'
    ? undefined
    : `the provider compressed its answer (${maskText(encoding, key)})`;
}

/** Passes an error on; a hard one is not to be tried again, which Anthropic's client asks a header for. */
function sendRejection(response: ServerResponse, answer: Answer, key: string): void {
  const { status, headers } = answer;
  const body = maskText(Buffer.concat(answer.collected).toString(), key);
  const isHard = status === 401 || status === 402 || status === 403;
  send(response, status, {
    body,
    headers: { ...headers, ...(isHard && { 'x-should-retry': 'false' }) },
  });
}

export function send(
  response: ServerResponse,
  status: number,
  { body, headers = {} }: { body: string; headers?: Readonly<Record<string, string>> },
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...headers,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function parseError(collected: readonly Buffer[]): unknown {
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(collected).toString());
    return parsed;
  } catch {
    return undefined;
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
