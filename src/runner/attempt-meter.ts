import type { Spend } from '../domain/budget.ts';
import { NOTHING } from '../domain/budget.ts';
import { formatJobId } from '../domain/job-id.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Access, GatewayEvent } from '../llm/gateway/attempt.ts';
import { DEFAULT_CALL_LIMITS } from '../llm/gateway/attempt.ts';
import { createAttemptToken } from '../llm/gateway/gateway.ts';
import { priceRemedy } from '../llm/prices-policy.ts';
import type { PricedProvider } from '../llm/prices.ts';
import type { Failure } from './box-run.ts';
import type { ClaimedAttempt } from './claim.ts';
import type { LlmAccess, ProviderOffer } from './llm-access.ts';
import type { Transcript } from './transcript-writer.ts';

/** What an attempt has spent. `exact`: no estimate is in it. */
export interface Spent extends Spend {
  readonly exact: boolean;
}

export const SPENT_NOTHING: Spent = { ...NOTHING, exact: true };

/** One attempt at the gateway. Closed when its worker has ended; until then it may spend. */
export interface AttemptMeter extends AsyncDisposable {
  readonly token: string;
  /** Where the gateway listens: a socket's path, or a URL. */
  readonly address: string;
  /** Aborts when the attempt may make no further call; `failure` then says why. */
  readonly stopped: AbortSignal;
  /** What the gateway itself saw go wrong, which is surer than anything that a worker prints. */
  failure(): Failure | undefined;
  /** Lets no further call through, and answers what was spent. Safe to repeat. */
  close(): Promise<Spent>;
}

interface MeterDeps {
  readonly log: Log;
  readonly llm?: LlmAccess | undefined;
}

/** Claude Code counts its turns itself, and may try one again. Of all others a call is a turn. */
const CALLS_PER_TURN = { claude: 2, codex: 1 } as const;

/**
 * Opens the gateway for an attempt, with its reservation as all that it may spend. Undefined for a worker that calls
 * no model. Throws PROVIDER_UNAVAILABLE when this runner has no key for what it is to call.
 */
export function openMeter(
  { log, llm }: MeterDeps,
  {
    claimed,
    offer,
    transcript,
  }: { claimed: ClaimedAttempt; offer: ProviderOffer; transcript: Transcript },
): AttemptMeter | undefined {
  const { job, provider, spec, attempt } = claimed;
  if (offer.api === undefined && provider.llm !== true) {
    return undefined;
  }
  const access = accessOf(llm, offer.api, attempt.model);
  if (llm === undefined || Object.keys(access).length === 0) {
    throw new AppError('PROVIDER_UNAVAILABLE', `this runner has no key for ${provider.name}`, {
      remedy: 'Set OPENAI_API_KEY or ANTHROPIC_API_KEY.',
    });
  }
  for (const [api, { models }] of Object.entries(access)) {
    const [model = ''] = models;
    if (offer.api === api && !isPriced(model, llm.models[offer.api])) {
      const dear = `The price of ${model} is not known: it is charged as the dearest of its provider.`;
      transcript.write('autodev', `${dear} ${priceRemedy(api, model)}`);
    }
  }
  const stop = new AbortController();
  const seen: Seen = {};
  const token = createAttemptToken();
  const fields = { job: formatJobId(job.id), attempt: job.attempts };
  const handle = llm.gateway.attach({
    repoId: job.repoId,
    jobId: job.id,
    attempt: job.attempts,
    token,
    access,
    limits: {
      ...DEFAULT_CALL_LIMITS,
      calls: spec.limits.turns * CALLS_PER_TURN[offer.api ?? 'codex'],
    },
    grant: { microUsd: attempt.reservedMicroUsd, tokens: attempt.reservedTokens },
    onEvent: (event) => {
      // Whoever was stopped may go on asking.
      const said = seen.stop === undefined ? sayGatewayEvent(event) : undefined;
      note(seen, event);
      if (said !== undefined) {
        transcript.write('autodev', said);
        log.warn({ ...fields, event: event.type }, 'gateway');
      }
      if (event.type === 'stop') {
        stop.abort();
      }
    },
  });

  const close = async (): Promise<Spent> => {
    const { spent, exact } = await handle.detach();
    return { ...spent, exact };
  };
  return {
    token,
    address: llm.gateway.address,
    stopped: stop.signal,
    failure: () => failureSeen(seen),
    close,
    [Symbol.asyncDispose]: async () => {
      await close();
    },
  };
}

function isPriced(model: string, priced: readonly string[]): boolean {
  return priced.some((name) =>
    name.endsWith('*') ? model.startsWith(name.slice(0, -1)) : model === name,
  );
}

/** What an attempt's calls have shown, newest first where it matters. */
interface Seen {
  stop?: Extract<GatewayEvent, { type: 'stop' }>;
  credential?: Extract<GatewayEvent, { type: 'credential' }>;
  unreachable?: Extract<GatewayEvent, { type: 'unreachable' }>;
}

const STATUS_OK = 200;

function note(seen: Seen, event: GatewayEvent): void {
  switch (event.type) {
    case 'stop': {
      seen.stop = event;
      break;
    }
    case 'credential': {
      seen.credential = event;
      break;
    }
    case 'unreachable': {
      seen.unreachable = event;
      break;
    }
    case 'call': {
      if (event.status === STATUS_OK && event.exact) {
        delete seen.credential;
        delete seen.unreachable;
      }
      break;
    }
    case 'warning':
    case 'refused': {
      break;
    }
  }
}

const STOPPED_AS = { budget: 'budget', calls: 'limit_turns', calls_per_minute: 'loop' } as const;

function failureSeen({ stop, credential, unreachable }: Seen): Failure | undefined {
  if (stop !== undefined) {
    return { reason: STOPPED_AS[stop.reason], detail: sentence(stop.detail) };
  }
  if (credential !== undefined) {
    const { signal, provider } = credential;
    const detail = `${provider}: ${signal.detail}`;
    return 'until' in signal
      ? { reason: 'rate_limited', detail, freeAt: signal.until }
      : { reason: 'provider_auth', detail };
  }
  return unreachable && { reason: 'provider_overloaded', detail: sentence(unreachable.detail) };
}

function sayGatewayEvent(event: GatewayEvent): string | undefined {
  switch (event.type) {
    case 'warning': {
      return `${Math.round(event.share * 100)} % of what this attempt may spend is spent.`;
    }
    case 'stop':
    case 'refused': {
      return `The gateway: ${sentence(event.detail)}`;
    }
    case 'unreachable': {
      return `The gateway: ${event.provider} does not answer: ${sentence(event.detail)}`;
    }
    case 'credential': {
      const { signal } = event;
      const until = 'until' in signal ? ` Until ${new Date(signal.until).toISOString()}.` : '';
      return `The gateway: ${event.provider}: ${signal.detail}${until}`;
    }
    case 'call': {
      break;
    }
  }
  return undefined;
}

function sentence(text: string): string {
  const begun = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return begun.endsWith('.') ? begun : `${begun}.`;
}

/** A provider of ours may call its own API; a program of the repository all for which there is a key. */
function accessOf(
  llm: LlmAccess | undefined,
  api: PricedProvider | undefined,
  model: string | null,
): Partial<Record<PricedProvider, Access>> {
  const access: Partial<Record<PricedProvider, Access>> = {};
  const apis = ['codex', 'claude'] as const;
  for (const each of apis) {
    const key = llm?.keys[each];
    if (llm !== undefined && key !== undefined && (api ?? each) === each) {
      access[each] = {
        ...key,
        models: api ? [model ?? llm.defaultModels[each]] : llm.models[each],
      };
    }
  }
  return access;
}
