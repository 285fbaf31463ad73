import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { recordCredential } from '../db/credentials.ts';
import { storeUsage } from '../db/ledger.ts';
import { startGateway } from '../llm/gateway/gateway.ts';
import type { PricedProvider, PriceTable } from '../llm/prices.ts';
import type { LlmAccess } from './llm-access.ts';
import type { RunnerDeps } from './runner.ts';

/** One micro-USD a token of input, a tenth of that from a cache, and ten of output: to be counted in the head. */
const flat = { input: 1_000_000, cached: 100_000, cacheWrite: 1_000_000, output: 10_000_000 };
const PRICES: PriceTable = [
  { provider: 'codex', model: 'gpt-test', from: '2020-01-01', ...flat },
  { provider: 'claude', model: 'claude-test', from: '2020-01-01', ...flat },
];

export const KEYS = {
  codex: { credential: 'codex:test', key: 'sk-canary-codex-0123456789abcdef' },
  claude: { credential: 'claude:test', key: 'sk-canary-claude-0123456789abcdef' },
} as const;

/** A real gateway to models at these addresses, with keys that tests can look for. */
export async function openGateway(
  { db, clock, log, sandbox }: Pick<RunnerDeps, 'db' | 'clock' | 'log' | 'sandbox'>,
  { folder, baseUrls }: { folder: string; baseUrls: Readonly<Record<PricedProvider, string>> },
): Promise<AsyncDisposable & { readonly access: LlmAccess }> {
  let writing: Promise<unknown> = Promise.resolve();
  const settled = async (): Promise<void> => {
    await writing;
  };
  const socketPath = join(folder, randomBytes(4).toString('hex'));
  const gateway = await startGateway(
    {
      clock,
      log,
      prices: () => PRICES,
      storeUsage: (rows) => storeUsage(db, rows),
      onCredential: (news) => {
        writing = recordCredential(db, news);
      },
    },
    { listen: sandbox.isolates ? { socketPath } : { port: 0 }, baseUrls },
  );
  return {
    access: {
      gateway,
      keys: KEYS,
      models: { codex: ['gpt-test'], claude: ['claude-*'] },
      defaultModels: { codex: 'gpt-test', claude: 'claude-test' },
      settled,
    },
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await settled();
    },
  };
}
