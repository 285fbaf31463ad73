import type { Reply } from '../../../test/llm/replies.ts';
import {
  type LlmStandIn,
  type StandInRequest,
  startLlmStandIn,
} from '../../../test/llm/stand-in.ts';
import type { CredentialNews } from '../../db/credentials.ts';
import type { UsageRow } from '../../db/ledger.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { PriceTable } from '../prices.ts';
import type { LlmApi } from './api.ts';
import { type AttachedAttempt, DEFAULT_CALL_LIMITS, type GatewayEvent } from './attempt.ts';
import { type AttemptHandle, createAttemptToken, type Gateway, startGateway } from './gateway.ts';

export const KEY = 'sk-canary-0123456789abcdef0123456789abcdef';
const MODELS = { responses: 'gpt-test', messages: 'claude-test' } as const;
export const APIS = ['responses', 'messages'] as const satisfies readonly LlmApi[];

/** One micro-USD a token of input and ten of output, so that tests can count in their heads. */
const flat = { input: 1_000_000, cached: 100_000, cacheWrite: 1_000_000, output: 10_000_000 };
const PRICES: PriceTable = [
  { provider: 'codex', model: 'gpt-test', from: '2020-01-01', ...flat },
  { provider: 'claude', model: 'claude-test', from: '2020-01-01', ...flat },
];

export interface TestBench extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly standIn: LlmStandIn;
  /** All rows, in the order in which they were stored. */
  readonly stored: UsageRow[];
  readonly news: CredentialNews[];
  /** Everything that was logged, as text. */
  readonly logged: string[];
  attach(values?: Partial<AttachedAttempt>): TestAttempt;
}

interface TestAttempt {
  readonly handle: AttemptHandle;
  readonly token: string;
  readonly events: GatewayEvent[];
  call(api: LlmApi, options?: CallOptions): Promise<Response>;
  /** A call that is read to its end. */
  ask(
    api: LlmApi,
    options?: CallOptions,
  ): Promise<{ status: number; text: string; headers: Headers }>;
}

interface CallOptions {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A gateway before a stand-in that answers as `reply` says. `await using bench = await openBench(…)`. */
export async function openBench(
  reply: (request: StandInRequest) => Reply = () => ({ kind: 'text' }),
  options: {
    silenceMs?: number;
    baseUrls?: { codex: string; claude: string };
    store?: (rows: readonly UsageRow[]) => Promise<void>;
  } = {},
): Promise<TestBench> {
  const standIn = await startLlmStandIn(reply);
  const stored: UsageRow[] = [];
  const news: CredentialNews[] = [];
  const logged: string[] = [];
  const gateway = await startGateway(
    {
      clock: systemClock,
      log: recorder(logged),
      prices: () => PRICES,
      storeUsage: async (rows) => {
        await options.store?.(rows);
        stored.push(...rows);
      },
      onCredential: (one) => void news.push(one),
    },
    {
      listen: { port: 0 },
      baseUrls: options.baseUrls ?? standIn.baseUrls,
      ...(options.silenceMs !== undefined && { silenceMs: options.silenceMs }),
    },
  );
  let jobs = 0;

  return {
    gateway,
    standIn,
    stored,
    news,
    logged,
    attach(values = {}) {
      jobs += 1;
      const events: GatewayEvent[] = [];
      const token = values.token ?? createAttemptToken();
      const handle = gateway.attach({
        repoId: 1,
        jobId: jobs,
        attempt: 1,
        token,
        access: {
          codex: { credential: 'codex:default', key: KEY, models: [MODELS.responses] },
          claude: { credential: 'claude:default', key: KEY, models: [MODELS.messages] },
        },
        limits: { ...DEFAULT_CALL_LIMITS, maxOutput: 1_000 },
        grant: { microUsd: 10_000_000, tokens: 10_000_000 },
        onEvent: (event) => void events.push(event),
        ...values,
      });
      const call = (api: LlmApi, { body, headers, signal }: CallOptions = {}): Promise<Response> =>
        fetch(`${gateway.address}/v1/${api}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(api === 'responses'
              ? { authorization: `Bearer ${token}` }
              : { 'x-api-key': token }),
            ...headers,
          },
          body: JSON.stringify(body ?? simpleBody(api)),
          ...(signal && { signal }),
        });
      return {
        handle,
        token,
        events,
        call,
        async ask(api, asked) {
          const response = await call(api, asked);
          return {
            status: response.status,
            text: await response.text(),
            headers: response.headers,
          };
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await standIn[Symbol.asyncDispose]();
    },
  };
}

/** The least that each API takes, with a streamed answer. */
export function simpleBody(api: LlmApi, text = 'Hello.'): Record<string, unknown> {
  return api === 'responses'
    ? { model: MODELS.responses, input: text, stream: true }
    : {
        model: MODELS.messages,
        messages: [{ role: 'user', content: text }],
        max_tokens: 1_000,
        stream: true,
      };
}

function recorder(lines: string[]): Log {
  const write = (fields: object, message: string): void => {
    const err = 'err' in fields && fields.err instanceof Error ? fields.err.stack : '';
    lines.push(`${message} ${JSON.stringify(fields)} ${err}`);
  };
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}
