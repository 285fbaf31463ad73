import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { recordCredential, type CredentialNews } from '../db/credentials.ts';
import { storeUsage } from '../db/ledger.ts';
import type { Log } from '../kernel/log.ts';
import { DEFAULT_BASE_URLS, startGateway } from '../llm/gateway/gateway.ts';
import { pricesUnderPolicy } from '../llm/prices-policy.ts';
import { DEFAULT_MODELS, PRICES } from '../llm/prices-table.ts';
import type { PricedProvider, PriceTable } from '../llm/prices.ts';
import type { LlmAccess, ProviderKey, ProviderOffer } from '../runner/llm-access.ts';
import type { Platform } from './platform.ts';
import { providerTable } from './providers.ts';

/** Whose API a setting's key opens. */
const API_OF = { OPENAI_API_KEY: 'codex', ANTHROPIC_API_KEY: 'claude' } as const;

interface OpenedLlm extends AsyncDisposable {
  readonly access: LlmAccess | undefined;
}

/** The rows of the provider table that can be used on this machine, with their keys; says why others cannot. */
export async function offersOf(
  platform: Pick<Platform, 'clock' | 'settings' | 'searchPath' | 'log'>,
  signal: AbortSignal,
): Promise<ProviderOffer[]> {
  const { settings, log } = platform;
  const rows = providerTable(platform).filter(
    ({ credential }) => credential === undefined || settings[credential] !== undefined,
  );
  const offers = await Promise.all(
    rows.map(async ({ provider, credential }): Promise<ProviderOffer[]> => {
      const probed = await provider.probe(signal);
      const { name } = provider;
      if (!probed.usable) {
        const { reason, remedy } = probed;
        log.warn({ provider: name, reason, remedy }, 'provider cannot be used');
        return [];
      }
      if (probed.warning !== undefined) {
        log.warn(
          { provider: name, warning: probed.warning },
          'provider differs from what is known',
        );
      }
      return [credential === undefined ? { provider } : { provider, api: API_OF[credential] }];
    }),
  );
  return offers.flat();
}

/**
 * Opens the gateway for the keys that are set: on a socket that boxes are given, or on the loopback where there are
 * no boxes. Without a key there is nothing to open.
 */
export async function openLlm(
  platform: Platform,
  { boxed }: { boxed: boolean },
): Promise<OpenedLlm> {
  const { settings, policy, db, clock } = platform;
  const log = platform.log.child({ service: 'gateway' });
  const keys = {
    ...(settings.OPENAI_API_KEY && { codex: keyOf('codex', settings.OPENAI_API_KEY) }),
    ...(settings.ANTHROPIC_API_KEY && { claude: keyOf('claude', settings.ANTHROPIC_API_KEY) }),
  };
  if (Object.keys(keys).length === 0) {
    return { access: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const news = createNewsWriter({ log, write: (one) => recordCredential(db, one) });
  const prices = pricesUnderPolicy(PRICES, policy.policy.prices);
  await using undo = new AsyncDisposableStack();
  const listen = boxed ? { socketPath: path.join(await socketFolder(undo), 'g') } : { port: 0 };
  const gateway = await startGateway(
    {
      clock,
      log,
      prices: () => prices,
      storeUsage: (rows) => storeUsage(db, rows),
      onCredential: news.write,
    },
    {
      listen,
      baseUrls: {
        codex: settings.OPENAI_BASE_URL ?? DEFAULT_BASE_URLS.codex,
        claude: settings.ANTHROPIC_BASE_URL ?? DEFAULT_BASE_URLS.claude,
      },
    },
  );
  const opened = undo.move();
  return {
    access: {
      gateway,
      keys,
      defaultModels: DEFAULT_MODELS,
      models: { codex: modelsOf(prices, 'codex'), claude: modelsOf(prices, 'claude') },
      settled: news.settled,
    },
    [Symbol.asyncDispose]: async () => {
      try {
        await gateway.close();
        await news.settled();
      } finally {
        await opened[Symbol.asyncDispose]();
      }
    },
  };
}

function modelsOf(prices: PriceTable, of: PricedProvider): string[] {
  return [...new Set(prices.filter(({ provider }) => provider === of).map(({ model }) => model))];
}

/** Not below the data: a socket's whole path has little room. Workers of other users walk through it. */
async function socketFolder(undo: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'autodev-llm-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  return folder;
}

/** Another key is another credential: what was seen of the one before does not hold for it. */
function keyOf(provider: string, key: string): ProviderKey {
  const which = createHash('sha256').update(key).digest('hex').slice(0, 8);
  return { credential: `${provider}:${which}`, key };
}

/** Writes what is seen of credentials, one after the other. What cannot be written is seen again at the next call. */
function createNewsWriter({
  log,
  write,
}: {
  log: Log;
  write: (news: CredentialNews) => Promise<unknown>;
}): { write: (news: CredentialNews) => void; settled: () => Promise<void> } {
  const writeOne = async (before: Promise<void>, news: CredentialNews): Promise<void> => {
    await before;
    try {
      await write(news);
    } catch (error) {
      log.error({ err: error, credential: news.name }, 'the state of a credential was not written');
    }
  };
  let last: Promise<void> = Promise.resolve();
  return {
    write(news) {
      last = writeOne(last, news);
    },
    settled: () => last,
  };
}
