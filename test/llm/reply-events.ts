import type { ServerResponse } from 'node:http';

/** Which API was asked, as its path says. */
export type StandInApi = 'responses' | 'messages';

/** Tokens of an answer, each kind apart. */
export interface ReplyUsage {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
}

export const DEFAULT_USAGE: ReplyUsage = { input: 300, cached: 800, cacheWrite: 100, output: 45 };

export interface Writing {
  readonly api: StandInApi;
  readonly model: string;
  readonly streams: boolean;
  /** Counts answers, for their ids. */
  readonly n: number;
}

/** Answers 200 and the first event. */
export function begin(
  response: ServerResponse,
  { api, model, n }: Writing,
  { headers, usage }: { headers?: Readonly<Record<string, string>> | undefined; usage: ReplyUsage },
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  if (api === 'responses') {
    event(response, 'response.created', {
      response: { id: `resp_${n}`, status: 'in_progress', usage: null },
    });
  } else {
    event(response, 'message_start', {
      message: {
        id: `msg_${n}`,
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        usage: { ...countsOf(api, usage), output_tokens: 1 },
      },
    });
  }
}

export function finish(
  response: ServerResponse,
  { api, n }: Writing,
  { usage, reason }: { usage: ReplyUsage; reason: string },
): void {
  if (api === 'responses') {
    event(response, 'response.completed', {
      response: { id: `resp_${n}`, status: 'completed', usage: countsOf(api, usage) },
    });
  } else {
    event(response, 'message_delta', {
      delta: { stop_reason: reason, stop_sequence: null },
      usage: countsOf(api, usage),
    });
    event(response, 'message_stop', {});
  }
  response.end();
}

/** OpenAI counts what was cached into the input, Anthropic beside it. */
export function countsOf(
  api: StandInApi,
  { input, cached, cacheWrite, output }: ReplyUsage,
): object {
  return api === 'responses'
    ? {
        input_tokens: input + cached + cacheWrite,
        input_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWrite },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: input + cached + cacheWrite + output,
      }
    : {
        input_tokens: input,
        cache_read_input_tokens: cached,
        cache_creation_input_tokens: cacheWrite,
        output_tokens: output,
      };
}

export function openText(response: ServerResponse, api: StandInApi, n: number): void {
  if (api === 'responses') {
    event(response, 'response.output_item.added', {
      output_index: 0,
      item: messageItem(n, undefined),
    });
  } else {
    event(response, 'content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  }
}

export function writeText(response: ServerResponse, api: StandInApi, text: string): void {
  if (api === 'responses') {
    event(response, 'response.output_text.delta', {
      output_index: 0,
      content_index: 0,
      delta: text,
    });
  } else {
    event(response, 'content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  }
}

export function closeText(
  response: ServerResponse,
  api: StandInApi,
  { n, text }: { n: number; text: string },
): void {
  if (api === 'responses') {
    event(response, 'response.output_item.done', { output_index: 0, item: messageItem(n, text) });
  } else {
    event(response, 'content_block_stop', { index: 0 });
  }
}

export function writeTool(
  response: ServerResponse,
  api: StandInApi,
  { n, name, input }: { n: number; name: string; input: unknown },
): void {
  if (api === 'responses') {
    const call = { id: `fc_${n}`, call_id: `call_${n}`, name, status: 'completed' };
    const item =
      typeof input === 'string'
        ? { ...call, type: 'custom_tool_call', input }
        : { ...call, type: 'function_call', arguments: JSON.stringify(input) };
    event(response, 'response.output_item.done', { output_index: 0, item });
    return;
  }
  event(response, 'content_block_start', {
    index: 0,
    content_block: { type: 'tool_use', id: `toolu_${n}`, name, input: {} },
  });
  event(response, 'content_block_delta', {
    index: 0,
    delta: { type: 'input_json_delta', partial_json: JSON.stringify(input) },
  });
  event(response, 'content_block_stop', { index: 0 });
}

export function messageItem(n: number, text: string | undefined): object {
  const content = text === undefined ? [] : [{ type: 'output_text', text, annotations: [] }];
  return { type: 'message', role: 'assistant', id: `item_${n}`, content };
}

export function event(response: ServerResponse, type: string, data: object): void {
  response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
}
