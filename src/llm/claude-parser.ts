import type { Clock } from '../kernel/clock.ts';
import { claudeTrouble } from './claude-trouble.ts';
import { claudeUsage } from './claude-usage.ts';
import type { JsonObject } from './json-line.ts';
import { countAt, objectAt, objectsAt, parseObject, sessionIdAt, textAt } from './json-line.ts';
import { lastWords } from './last-words.ts';
import type { ProviderEvent, ProviderFailure, ProviderVerdict } from './provider-event.ts';
import type { ProviderParser } from './provider.ts';
import { judgeEnd } from './run-end.ts';
import { toolTally, type ToolTally } from './tool-tally.ts';
import { rateTrouble, troubleEvents, troubleFailure } from './trouble.ts';

const NOISE_CHARACTERS = 300;
const NO_SESSION = /^No conversation found with session ID\b/;

/** Reads the lines of `claude -p --output-format stream-json --verbose`. Its usage is that of one run, also after a resume. */
export function claudeParser({ clock }: { readonly clock: Clock }): ProviderParser {
  const tools = toolTally();
  const said = lastWords();
  let failure: ProviderFailure | undefined;
  let ending: 'done' | 'failed' | undefined;
  let errorClass: string | undefined;
  let limitEndsAt: number | undefined;

  const read = (event: JsonObject): readonly ProviderEvent[] => {
    switch (event['type']) {
      case 'system': {
        return readSystem(event);
      }
      case 'assistant': {
        const message = objectAt(event, 'message');
        errorClass = textAt(event, 'error') ?? errorClass;
        return objectsAt(message, 'content').flatMap((block) => readBlock(block, tools));
      }
      case 'user': {
        return readToolResults(event);
      }
      case 'rate_limit_event': {
        return readLimit(objectAt(event, 'rate_limit_info'));
      }
      case 'result': {
        return readResult(event);
      }
      default: {
        return [];
      }
    }
  };
  const readSystem = (event: JsonObject): readonly ProviderEvent[] => {
    switch (event['subtype']) {
      case 'init': {
        return readInit(event);
      }
      case 'permission_denied': {
        tools.denied(textAt(event, 'tool_use_id') ?? '');
        return [];
      }
      case 'api_retry': {
        return readRetry(event, clock.now());
      }
      default: {
        return [];
      }
    }
  };
  const readToolResults = (event: JsonObject): readonly ProviderEvent[] => {
    for (const meta of objectsAt(event, 'tool_result_meta')) {
      if (meta['non_execution_kind'] !== undefined) {
        tools.denied(textAt(meta, 'id') ?? '');
      }
    }
    return objectsAt(objectAt(event, 'message'), 'content')
      .filter((block) => block['type'] === 'tool_result')
      .map((block) =>
        tools.ended({
          id: textAt(block, 'tool_use_id') ?? '',
          outcome: block['is_error'] === true ? 'failed' : 'ok',
        }),
      );
  };
  const readLimit = (info: JsonObject): readonly ProviderEvent[] => {
    if (info['status'] !== 'rejected') {
      return [];
    }
    const resetsAt = countAt(info, 'resetsAt');
    limitEndsAt = resetsAt === 0 ? undefined : resetsAt * 1000;
    const hard = limitEndsAt !== undefined;
    return troubleEvents(rateTrouble({ hard, until: limitEndsAt, now: clock.now() }), '');
  };
  const readResult = (event: JsonObject): readonly ProviderEvent[] => {
    const usage = claudeUsage(event);
    if (event['is_error'] === false) {
      ending = 'done';
      return usage;
    }
    ending = 'failed';
    const text = resultText(event);
    const trouble = claudeTrouble(event, { errorClass, limitEndsAt }, { text, now: clock.now() });
    failure = {
      ...troubleFailure(trouble, text),
      ...(NO_SESSION.test(text) && { sessionLost: true as const }),
    };
    return [...usage, ...troubleEvents(trouble, text)];
  };

  return {
    line({ stream, text }) {
      const event = stream === 'stdout' ? parseObject(text) : undefined;
      if (event !== undefined) {
        return read(event);
      }
      said.hear(text);
      return stream === 'stderr' || text.trim() === ''
        ? []
        : [{ type: 'warning', text: text.slice(0, NOISE_CHARACTERS) }];
    },
    end(exit): ProviderVerdict {
      // Interrupted it exits with 0, so the result is asked before the exit code.
      if (ending === 'failed' && failure !== undefined) {
        return failure;
      }
      return judgeEnd({ title: 'Claude Code', tools, said }, exit, ending === 'done');
    },
  };
}

function readInit(event: JsonObject): readonly ProviderEvent[] {
  const sessionId = sessionIdAt(event, 'session_id');
  const model = textAt(event, 'model');
  const broken = objectsAt(event, 'mcp_servers').filter(({ status }) => status === 'failed');
  return [
    { type: 'started', ...(sessionId && { sessionId }), ...(model && { model }) },
    ...broken.map((server): ProviderEvent => {
      const text = `The tool server ${textAt(server, 'name') ?? ''} could not be started.`;
      return { type: 'warning', text };
    }),
  ];
}

function readBlock(block: JsonObject, tools: ToolTally): readonly ProviderEvent[] {
  if (block['type'] === 'text') {
    return [{ type: 'text', text: textAt(block, 'text') ?? '' }];
  }
  const id = textAt(block, 'id');
  if (block['type'] !== 'tool_use' || id === undefined) {
    return [];
  }
  const input = objectAt(block, 'input');
  const detail =
    ['command', 'file_path', 'pattern', 'path', 'description']
      .map((key) => textAt(input, key))
      .find((value) => value !== undefined) ?? '';
  return [tools.began({ id, name: textAt(block, 'name') ?? 'tool', detail })];
}

/** It tries again by itself, and may well succeed. */
function readRetry(event: JsonObject, now: Date): readonly ProviderEvent[] {
  const delayMs = countAt(event, 'retry_delay_ms');
  const cause = textAt(event, 'error') ?? 'unknown';
  const status = countAt(event, 'error_status');
  const of = `${countAt(event, 'attempt')}/${countAt(event, 'max_retries')}`;
  const text = `Trying again ${of} in ${delayMs} ms: ${cause}${status === 0 ? '' : ` (${status})`}`;
  const retrying: ProviderEvent = { type: 'retrying', text };
  if (cause === 'rate_limit') {
    const until = now.getTime() + delayMs;
    return [retrying, ...troubleEvents(rateTrouble({ hard: false, until, now }), text)];
  }
  return cause === 'server_error' || cause === 'overloaded'
    ? [retrying, { type: 'overloaded' }]
    : [retrying];
}

/** The sentence of a result that is an error: its own, or the first of its list. */
function resultText(result: JsonObject): string {
  const { errors } = result;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return (
    textAt(result, 'result') ??
    (typeof first === 'string' ? first : undefined) ??
    'Claude Code ended with an error that it does not name.'
  );
}
