import { amount } from '../config/amount.ts';
import type { Price as PolicyPrice } from '../config/policy.generated.ts';
import type { PriceRow, PriceTable } from './prices.ts';

/** The built-in table with what ops wrote into the policy, which wins where both name a model. */
export function pricesUnderPolicy(
  builtIn: PriceTable,
  prices: readonly PolicyPrice[] = [],
): PriceTable {
  return [...builtIn, ...prices.map(rowOf)];
}

/** `parseQuantity` counts dollars in micro-USD already. */
function rowOf({ provider, model, from, ...price }: PolicyPrice): PriceRow {
  const input = amount('usd', price.input) ?? 0;
  return {
    provider,
    model,
    from,
    input,
    cached: amount('usd', price.cached_input) ?? input,
    cacheWrite: amount('usd', price.cache_write) ?? input,
    output: amount('usd', price.output) ?? 0,
  };
}

/** What to write into the policy so that a model is no longer billed as the dearest one. */
export function priceRemedy(provider: string, model: string): string {
  return `Add its price to the policy: prices: [{ provider: ${provider}, model: ${model}, from: 'YYYY-MM-DD', input: …, cached_input: …, output: … }]`;
}
