import { isJsonObject } from '../../domain/canonical-json.ts';
import type { LlmApi } from './api.ts';
import { refuse, type Seen, shown } from './body-rules.ts';
import { messagesBody } from './messages-rules.ts';
import { Refusal } from './refusal.ts';
import { responsesBody } from './responses-rules.ts';

/** What a job allows of a call, whatever its worker asks for. */
export interface CallTerms {
  /** Names of models, where a `*` at the end stands for any rest; a request for any other is refused. */
  readonly models: readonly string[];
  /** Most tokens of one answer, thinking included. */
  readonly maxOutput: number;
  /** The provider's service tier; undefined: its standard. */
  readonly tier?: string;
}

export interface CheckedBody {
  readonly model: string;
  readonly streams: boolean;
  /** Most output that was asked for, within the terms. */
  readonly wantedOutput: number;
  readonly seen: Readonly<Seen>;
  readonly bytes: number;
  /** The body to send, with at most so much output. Once: what was parsed is let go, for streams are long. */
  serialize(maxOutput: number): Buffer;
}

/** The least budget that the Messages API takes for thinking. */
const LEAST_THINKING = 1_024;

/** Throws `Refusal`: the body is not JSON, holds something that may not go out, or asks for another model. */
export function checkBody(api: LlmApi, raw: Buffer, terms: CallTerms): CheckedBody {
  const body = parse(raw);
  const seen: Seen = { images: 0, imageBytes: 0 };
  (api === 'responses' ? responsesBody : messagesBody)(body, '', seen);

  let parsed: typeof body | undefined = body;
  const { stream } = body;
  const model = modelOf(body['model'], terms.models);
  const asked = body[api === 'responses' ? 'max_output_tokens' : 'max_tokens'];
  const wantedOutput = Math.min(
    typeof asked === 'number' && asked >= 1 ? Math.floor(asked) : terms.maxOutput,
    terms.maxOutput,
  );
  return {
    model:
      model ??
      refuse('model', `${shown(body['model'])} is not this job's (${terms.models.join(', ')})`),
    streams: stream === true,
    wantedOutput,
    seen,
    bytes: raw.length,
    serialize(maxOutput) {
      const whole = withTerms(api, parsed ?? {}, { maxOutput, tier: terms.tier });
      parsed = undefined;
      return Buffer.from(JSON.stringify(whole));
    },
  };
}

/** Undefined: none that may be asked. */
function modelOf(asked: unknown, models: readonly string[]): string | undefined {
  return typeof asked === 'string' &&
    models.some((name) =>
      name.endsWith('*') ? asked.startsWith(name.slice(0, -1)) : asked === name,
    )
    ? asked
    : undefined;
}

function withTerms(
  api: LlmApi,
  body: Readonly<Record<string, unknown>>,
  { maxOutput, tier }: { maxOutput: number; tier: string | undefined },
): Readonly<Record<string, unknown>> {
  const ofJob = tier === undefined ? {} : { service_tier: tier };
  if (api === 'responses') {
    return { ...body, ...ofJob, store: false, max_output_tokens: maxOutput };
  }
  return {
    ...body,
    ...ofJob,
    ...thinkingWithin(body['thinking'], maxOutput),
    max_tokens: maxOutput,
  };
}

/** Thinking is part of the output, so its budget must be below the limit; where that is too little, there is none. */
function thinkingWithin(thinking: unknown, maxOutput: number): object {
  if (!isJsonObject(thinking) || typeof thinking['budget_tokens'] !== 'number') {
    return {};
  }
  return maxOutput <= LEAST_THINKING
    ? { thinking: { type: 'disabled' } }
    : {
        thinking: {
          ...thinking,
          budget_tokens: Math.min(thinking['budget_tokens'], maxOutput - 1),
        },
      };
}

function parse(raw: Buffer): Readonly<Record<string, unknown>> {
  let body: unknown;
  try {
    body = JSON.parse(raw.toString());
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  return isJsonObject(body) ? body : refuse('', 'must be an object');
}
