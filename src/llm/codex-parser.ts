import type { Clock } from '../kernel/clock.ts';
import { codexTrouble } from './codex-trouble.ts';
import type { JsonObject } from './json-line.ts';
import { countAt, objectAt, objectsAt, parseObject, sessionIdAt, textAt } from './json-line.ts';
import { lastWords } from './last-words.ts';
import type { ProviderEvent, ProviderVerdict, TokenUsage } from './provider-event.ts';
import type { ProviderParser } from './provider.ts';
import { judgeEnd } from './run-end.ts';
import { toolTally, type ToolTally } from './tool-tally.ts';
import { troubleEvents, troubleFailure } from './trouble.ts';
import { NO_TOKENS, usageSince } from './usage-since.ts';

/** Printed at every start; nobody needs it to understand an end. */
const STDERR_NOISE = /^(?:Reading additional input from stdin|WARNING: proceeding, even though)/;
const RECONNECTING = /^Reconnecting\.\.\. (?:\d+\/\d+|waiting for network) \((.*)\)$/s;
const NO_SESSION = /\bno rollout found for thread id\b/;
/** Items that are no calls of a tool. */
const NOT_TOOLS = new Set(['agent_message', 'reasoning', 'todo_list', 'error', 'user_message']);

const NOISE_CHARACTERS = 300;

/** Reads the lines of `codex exec --json`. */
export function codexParser(
  { clock }: { readonly clock: Clock },
  {
    model,
    used: before,
  }: { readonly model: string | undefined; readonly used: TokenUsage | undefined },
): ProviderParser {
  const tools = toolTally();
  const said = lastWords();
  /** Codex reports what its thread has used since it began, over all runs. */
  let reported: TokenUsage = before ?? NO_TOKENS;
  let ending: 'completed' | 'failed' | undefined;
  let lastError: string | undefined;
  let started = false;

  const read = (event: JsonObject): readonly ProviderEvent[] => {
    const item = objectAt(event, 'item');
    switch (event['type']) {
      case 'thread.started': {
        started = true;
        const sessionId = sessionIdAt(event, 'thread_id');
        return [{ type: 'started', ...(sessionId && { sessionId }), ...(model && { model }) }];
      }
      case 'item.started': {
        return isTool(item) ? [tools.began(callOf(item))] : [];
      }
      case 'item.completed': {
        return readItem(item, tools);
      }
      case 'error': {
        return readError(textAt(event, 'message') ?? '');
      }
      case 'turn.completed': {
        ending = 'completed';
        const total = usageOf(objectAt(event, 'usage'));
        const used = usageSince(reported, total);
        reported = total;
        return [{ type: 'usage', ...(model && { model }), ...used }];
      }
      case 'turn.failed': {
        ending = 'failed';
        lastError =
          textAt(objectAt(event, 'error'), 'message') ?? lastError ?? 'It did not say why.';
        return troubleEvents(codexTrouble(lastError, clock.now()), lastError);
      }
      default: {
        return [];
      }
    }
  };
  const readError = (message: string): readonly ProviderEvent[] => {
    const cause = RECONNECTING.exec(message)?.[1];
    if (cause === undefined) {
      lastError = message; // `turn.failed` says it again
      return [];
    }
    const trouble = codexTrouble(cause, clock.now());
    const passing = trouble.kind === 'rate' || trouble.kind === 'overloaded';
    return [{ type: 'retrying', text: message }, ...(passing ? troubleEvents(trouble, cause) : [])];
  };

  return {
    line({ stream, text }) {
      if (stream === 'stderr') {
        if (!STDERR_NOISE.test(text)) {
          said.hear(text);
        }
        return [];
      }
      const event = parseObject(text);
      if (event !== undefined) {
        return read(event);
      }
      said.hear(text);
      return text.trim() === '' ? [] : [{ type: 'warning', text: text.slice(0, NOISE_CHARACTERS) }];
    },
    end(exit): ProviderVerdict {
      if (lastError !== undefined && ending !== 'completed' && exit.code !== 0) {
        return troubleFailure(codexTrouble(lastError, clock.now()), lastError);
      }
      const verdict = judgeEnd({ title: 'Codex', tools, said }, exit, ending === 'completed');
      const sessionLost = !started && NO_SESSION.test(said.telling() ?? '');
      return verdict.type === 'failed' && sessionLost ? { ...verdict, sessionLost } : verdict;
    },
  };
}

function isTool(item: JsonObject): boolean {
  const kind = textAt(item, 'type');
  return kind !== undefined && !NOT_TOOLS.has(kind) && textAt(item, 'id') !== undefined;
}

function readItem(item: JsonObject, tools: ToolTally): readonly ProviderEvent[] {
  switch (item['type']) {
    case 'agent_message': {
      return [{ type: 'text', text: textAt(item, 'text') ?? '' }];
    }
    case 'error': {
      // Such an item is a remark; every run with a model that Codex does not know has one.
      return [{ type: 'warning', text: textAt(item, 'message') ?? '' }];
    }
    default: {
      if (!isTool(item)) {
        return [];
      }
      const { id, name } = callOf(item);
      const status = textAt(item, 'status') ?? 'completed';
      const outcome = /^(?:declined|denied|rejected)$/.test(status)
        ? 'denied'
        : /^(?:failed|errored|error)$/.test(status)
          ? 'failed'
          : 'ok';
      return [tools.ended({ id, name, outcome })];
    }
  }
}

function callOf(item: JsonObject): { id: string; name: string; detail: string } {
  const paths = objectsAt(item, 'changes').map((change) => textAt(change, 'path') ?? '');
  return {
    id: textAt(item, 'id') ?? '',
    name: textAt(item, 'tool') ?? textAt(item, 'type') ?? 'tool',
    detail: textAt(item, 'command') ?? textAt(item, 'query') ?? paths.join(' '),
  };
}

/** Codex counts what was read from and written to a cache as input, too. */
function usageOf(usage: JsonObject): TokenUsage {
  const cachedInput = countAt(usage, 'cached_input_tokens');
  const cacheWrite = countAt(usage, 'cache_write_input_tokens');
  return {
    input: Math.max(0, countAt(usage, 'input_tokens') - cachedInput - cacheWrite),
    cachedInput,
    cacheWrite,
    output: countAt(usage, 'output_tokens'),
    reasoning: countAt(usage, 'reasoning_output_tokens'),
  };
}
