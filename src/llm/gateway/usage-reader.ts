import { isJsonObject } from '../../domain/canonical-json.ts';
import { NO_TOKENS, type TokenCount } from '../prices.ts';
import type { LlmApi } from './api.ts';

export interface AnswerUsage {
  /** The provider's last word on what the call used; false: it was cut before, or never came. */
  readonly isFinal: boolean;
  /** As far as it was counted; zeros where nothing was. */
  readonly tokens: TokenCount;
  /** The error that the provider ended the answer with, parsed. */
  readonly failure: unknown;
  /** Whether anything was generated before that. */
  readonly hasOutput: boolean;
}

export interface UsageReader {
  push(chunk: Buffer): void;
  end(): AnswerUsage;
}

/** A longer line is not parsed: its call is then charged what was held for it. */
const MAX_LINE_BYTES = 32 * 2 ** 20;
const LINE_END = 10;
const USAGE = Buffer.from('"usage"');
const FAILURES = [Buffer.from('"type":"response.failed"'), Buffer.from('"type":"error"')];
const OUTPUT = [Buffer.from('.delta"'), Buffer.from('"content_block_delta"')];

/**
 * Reads what a call used from the bytes of its answer as they pass, server-sent events or one JSON document. It keeps
 * the line that is not complete and nothing else, and parses only lines that hold a count or an error. Text of a
 * model cannot pose as either: within a JSON string its quotes are escaped.
 */
export function createUsageReader(api: LlmApi, { streams }: { streams: boolean }): UsageReader {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let state: AnswerUsage = {
    isFinal: false,
    tokens: NO_TOKENS,
    failure: undefined,
    hasOutput: false,
  };

  const readLine = (line: Buffer): void => {
    const hasUsage = line.includes(USAGE);
    const isFailure = streams && FAILURES.some((mark) => line.includes(mark));
    if (!hasUsage && !isFailure) {
      state = state.hasOutput
        ? state
        : { ...state, hasOutput: OUTPUT.some((m) => line.includes(m)) };
      return;
    }
    const event = parse(line, streams);
    if (event !== undefined) {
      state = {
        ...state,
        ...(isFailure && failureOf(event)),
        ...countOf(api, event, state.tokens),
      };
    }
  };

  const keep = (piece: Buffer): void => {
    restBytes += piece.length;
    if (restBytes <= MAX_LINE_BYTES) {
      rest.push(piece);
    } else {
      rest = [];
    }
  };

  const endLine = (): void => {
    if (rest.length > 0) {
      readLine(rest.length === 1 && rest[0] ? rest[0] : Buffer.concat(rest));
    }
    rest = [];
    restBytes = 0;
  };

  return {
    push(chunk) {
      // A document of JSON may be written on many lines.
      if (!streams) {
        keep(chunk);
        return;
      }
      // Most pieces are whole events of text, with nothing to read.
      if (restBytes === 0 && state.hasOutput && chunk.at(-1) === LINE_END && !isTelling(chunk)) {
        return;
      }
      let start = 0;
      for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
        if (restBytes === 0) {
          readLine(chunk.subarray(start, end));
        } else {
          keep(chunk.subarray(start, end));
          endLine();
        }
        start = end + 1;
      }
      if (start < chunk.length) {
        keep(Buffer.from(chunk.subarray(start)));
      }
    },
    end() {
      endLine();
      return state;
    },
  };
}

function isTelling(bytes: Buffer): boolean {
  return bytes.includes(USAGE) || FAILURES.some((mark) => bytes.includes(mark));
}

function parse(line: Buffer, streams: boolean): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = line.toString();
    const event: unknown = JSON.parse(streams ? text.replace(/^data: ?/, '') : text);
    return isJsonObject(event) ? event : undefined;
  } catch {
    // Not for us to judge: the worker sees the same bytes. The call counts as not finished.
    return undefined;
  }
}

function failureOf(event: Readonly<Record<string, unknown>>): Pick<AnswerUsage, 'failure'> {
  const { response } = event;
  return { failure: isJsonObject(response) ? response['error'] : event['error'] };
}

function countOf(
  api: LlmApi,
  event: Readonly<Record<string, unknown>>,
  before: TokenCount,
): Partial<AnswerUsage> {
  if (api === 'responses') {
    const usage = isJsonObject(event['response']) ? event['response']['usage'] : event['usage'];
    if (!isJsonObject(usage)) {
      return {};
    }
    const details = isJsonObject(usage['input_tokens_details'])
      ? usage['input_tokens_details']
      : {};
    const cached = count(details['cached_tokens']) ?? 0;
    const cacheWrite = count(details['cache_write_tokens']) ?? 0;
    const all = count(usage['input_tokens']);
    const output = count(usage['output_tokens']);
    return all === undefined || output === undefined
      ? {}
      : {
          isFinal: true,
          tokens: { input: Math.max(0, all - cached - cacheWrite), cached, cacheWrite, output },
        };
  }

  const { message } = event;
  const usage = isJsonObject(message) ? message['usage'] : event['usage'];
  if (!isJsonObject(usage)) {
    return {};
  }
  const output = count(usage['output_tokens']);
  return {
    // `message_start` counts the input and a first token; what comes last counts all.
    isFinal: event['type'] !== 'message_start' && output !== undefined,
    tokens: {
      input: count(usage['input_tokens']) ?? before.input,
      cached: count(usage['cache_read_input_tokens']) ?? before.cached,
      cacheWrite: count(usage['cache_creation_input_tokens']) ?? before.cacheWrite,
      output: output ?? before.output,
    },
  };
}

/** More than any model takes is no count. */
const MAX_TOKENS = 100_000_000;

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS
    ? value
    : undefined;
}
