import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Dispatcher } from 'undici';

import type { Spend } from '../../domain/budget.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { PriceTable, TokenCount } from '../prices.ts';
import { addTokens, costOf, countedTokens, NO_TOKENS, priceOf } from '../prices.ts';
import type { Account, Admission } from './account.ts';
import { FORWARDED_HEADERS, KNOWN_BETAS, type LlmApi, PROVIDER_OF } from './api.ts';
import type { Access, AttachedAttempt } from './attempt.ts';
import { type CheckedBody, checkBody } from './check-body.ts';
import { credentialSignal, type CredentialSignal } from './credential-signal.ts';
import { type CallEnd, forward } from './forward.ts';
import type { InputEstimator } from './input-estimate.ts';
import { readBody } from './read-body.ts';
import { Refusal } from './refusal.ts';
import type { UsageLog } from './usage-log.ts';

/** One attempt as the gateway keeps it. */
export interface Served {
  readonly attempt: AttachedAttempt;
  readonly account: Account;
  readonly estimator: InputEstimator;
  readonly stop: AbortController;
  /** Calls under way, for whoever detaches. */
  readonly running: Set<Promise<void>>;
  tokens: TokenCount;
  exact: boolean;
  heldBytes: number;
  sequence: number;
  /** Tells its calls in the ledger from those of a process before this one. */
  readonly series: string;
}

export interface CallDeps {
  readonly clock: Clock;
  readonly prices: () => PriceTable;
  readonly usageLog: UsageLog;
  readonly upstream: (api: LlmApi) => { readonly dispatcher: Dispatcher; readonly path: string };
  readonly silenceMs: number;
  readonly maxBodyBytes: number;
  readonly onSignal: (
    credential: string,
    news: { signal: CredentialSignal; since: Date; api: LlmApi },
  ) => void;
}

/** Checks, reserves, sends, meters and books one call. Throws `Refusal` while nothing has been answered. */
export async function serveCall(
  deps: CallDeps,
  served: Served,
  { api, incoming, response }: { api: LlmApi; incoming: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const provider = PROVIDER_OF[api];
  const access = served.attempt.access[provider];
  if (access === undefined) {
    throw new Refusal(403, `this job has no access to ${provider}`);
  }
  const { take, release } = await readBody(incoming, {
    holder: served,
    maxBytes: deps.maxBodyBytes,
    signal: served.stop.signal,
  });
  try {
    await makeCall(deps, served, { api, access, take, incoming, response });
  } finally {
    release();
  }
}

interface Call {
  readonly api: LlmApi;
  readonly access: Access;
  readonly take: () => Buffer;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
}

async function makeCall(
  deps: CallDeps,
  served: Served,
  { api, access, take, incoming, response }: Call,
): Promise<void> {
  const { attempt, account, estimator } = served;
  const provider = PROVIDER_OF[api];
  const body = checkBody(api, take(), {
    models: access.models,
    maxOutput: attempt.limits.maxOutput,
    ...(attempt.tier !== undefined && { tier: attempt.tier }),
  });
  const priced = priceOf(deps.prices(), {
    provider,
    model: body.model,
    at: deps.clock.now().getTime(),
  });
  const estimate = estimator.estimate(body);
  // Whatever is dearer: what is not read from a cache may be written to one.
  const dearest = priced.price.cacheWrite > priced.price.input ? 'cacheWrite' : 'input';
  const worth = (tokens: TokenCount): Spend => ({
    microUsd: costOf(tokens, priced.price),
    tokens: countedTokens(tokens),
  });

  const gone = new AbortController();
  const onClose = (): void => gone.abort(new Error('the worker has gone'));
  response.once('close', onClose);
  const signal = AbortSignal.any([gone.signal, served.stop.signal]);
  const admission = await account.admit(
    {
      wantedOutput: body.wantedOutput,
      hold: (output) => ({
        likely: worth({ ...NO_TOKENS, [dearest]: estimate.likely, output }),
        most: worth({ ...NO_TOKENS, [dearest]: estimate.most, output }),
      }),
    },
    signal,
  );
  response.off('close', onClose);

  const startedAt = deps.clock.now();
  served.sequence += 1;
  const request = `${served.series}-${served.sequence}`;
  const book = (values: { tokens: TokenCount; microUsd: number; exact: boolean }): void => {
    deps.usageLog.add({
      repoId: attempt.repoId,
      jobId: attempt.jobId,
      attempt: attempt.attempt,
      request,
      provider,
      model: body.model,
      input: values.tokens.input,
      cached: values.tokens.cached,
      cacheWrite: values.tokens.cacheWrite,
      output: values.tokens.output,
      microUsd: values.microUsd,
      exact: values.exact,
      at: startedAt,
    });
  };
  const held = { ...NO_TOKENS, input: estimate.likely, output: admission.maxOutput };
  book({ tokens: held, microUsd: admission.hold.likely.microUsd, exact: false });

  const { dispatcher, path } = deps.upstream(api);
  const end = await forward(
    {
      api,
      dispatcher,
      path,
      headers: headersFor(api, { incoming, access, betas: attempt.betas ?? KNOWN_BETAS }),
      body: body.serialize(admission.maxOutput),
      key: access.key,
      silenceMs: deps.silenceMs,
    },
    response,
    served.stop.signal,
  );

  const used = usedBy(end, { held, admission });
  const exact = used.exact && !priced.estimated;
  const spent = used.tokens === held ? admission.hold.likely : worth(used.tokens);
  if (used.exact && end.usage?.isFinal === true) {
    const { input, cached, cacheWrite } = used.tokens;
    estimator.learn(body, input + cached + cacheWrite);
  }
  served.tokens = addTokens(served.tokens, used.tokens);
  served.exact &&= exact;
  book({ tokens: used.tokens, microUsd: spent.microUsd, exact });
  admission.settle(spent);
  report({ deps, served, api, access }, { end, body, startedAt, spent, used, exact });
}

/** What a call is charged for: what the provider counted, or all that it may have been where nobody knows. */
function usedBy(
  { how, usage }: CallEnd,
  { held, admission }: { held: TokenCount; admission: Admission },
): { tokens: TokenCount; exact: boolean } {
  if (how === 'unreachable' || how === 'rejected') {
    return { tokens: NO_TOKENS, exact: true };
  }
  if (how === 'unusable') {
    return { tokens: NO_TOKENS, exact: false };
  }
  if (usage?.isFinal === true) {
    return { tokens: usage.tokens, exact: true };
  }
  const isCounted = usage !== undefined && countedTokens(usage.tokens) + usage.tokens.cached > 0;
  if (how === 'answered' && usage?.failure !== undefined && !usage.hasOutput) {
    // The provider gave up before it generated anything: at most the input is billed.
    return {
      tokens: isCounted ? { ...usage.tokens, output: 0 } : { ...held, output: 0 },
      exact: false,
    };
  }
  return {
    tokens: isCounted ? { ...usage.tokens, output: admission.maxOutput } : held,
    exact: false,
  };
}

function report(
  { deps, served, api, access }: { deps: CallDeps; served: Served; api: LlmApi; access: Access },
  {
    end,
    body,
    startedAt,
    spent,
    used,
    exact,
  }: {
    end: CallEnd;
    body: CheckedBody;
    startedAt: Date;
    spent: Spend;
    used: { tokens: TokenCount };
    exact: boolean;
  },
): void {
  const { onEvent } = served.attempt;
  const provider = PROVIDER_OF[api];
  onEvent({
    type: 'call',
    provider,
    model: body.model,
    tokens: used.tokens,
    microUsd: spent.microUsd,
    exact,
    status: end.status,
  });
  if ((end.how === 'unreachable' || end.how === 'unusable') && !served.stop.signal.aborted) {
    onEvent({ type: 'unreachable', provider, detail: end.detail ?? 'no answer' });
  }
  if (end.how !== 'answered' && end.how !== 'rejected') {
    return;
  }
  const signal = credentialSignal({
    api,
    status: end.status ?? 0,
    headers: end.headers,
    error: end.error,
    now: deps.clock.now().getTime(),
  });
  // Garbage with a 200 is no success.
  if (signal !== undefined && (signal.state !== 'ok' || end.usage?.isFinal === true)) {
    if (signal.state !== 'ok') {
      onEvent({ type: 'credential', provider, credential: access.credential, signal });
    }
    deps.onSignal(access.credential, { signal, since: startedAt, api });
  }
}

function headersFor(
  api: LlmApi,
  {
    incoming,
    access,
    betas,
  }: { incoming: IncomingMessage; access: Access; betas: readonly string[] },
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of FORWARDED_HEADERS[api]) {
    const value = incoming.headers[name];
    if (typeof value === 'string') {
      headers[name] = value;
    }
  }
  if (api === 'responses') {
    headers['authorization'] = `Bearer ${access.key}`;
    return headers;
  }
  headers['x-api-key'] = access.key;
  headers['anthropic-version'] ??= '2023-06-01';
  const asked = incoming.headers['anthropic-beta'];
  const allowed = String(asked ?? '')
    .split(',')
    .map((beta) => beta.trim())
    .filter((beta) => betas.includes(beta));
  if (allowed.length > 0) {
    headers['anthropic-beta'] = allowed.join(',');
  }
  return headers;
}
