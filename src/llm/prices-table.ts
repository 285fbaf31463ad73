import type { PricedProvider, PriceRow, PriceTable } from './prices.ts';

/**
 * List prices of the providers' standard tier as of November 2026, of models that their command-line workers can
 * use. What is missing or has changed is added by the policy's `prices`. A first day that nobody could find out is
 * the model's own.
 *
 * Sources: developers.openai.com/api/docs/pricing, platform.claude.com/docs/en/about-claude/pricing.
 */
export const PRICES: PriceTable = [
  openai('gpt-5*', '2025-08-07', [1.25, 0.125, 1.25, 10]),
  openai('gpt-5-mini*', '2025-08-07', [0.25, 0.025, 0.25, 2]),
  openai('gpt-5-nano*', '2025-08-07', [0.05, 0.005, 0.05, 0.4]),
  openai('gpt-5.2*', '2025-12-11', [1.75, 0.175, 1.75, 14]),
  openai('gpt-5.3*', '2026-02-05', [1.75, 0.175, 1.75, 14]),
  longer(openai('gpt-5.4*', '2026-03-05', [2.5, 0.25, 2.5, 15])),
  longer(openai('gpt-5.4-pro*', '2026-03-05', [30, 3, 30, 180])),
  openai('gpt-5.4-mini*', '2026-03-05', [0.75, 0.075, 0.75, 4.5]),
  openai('gpt-5.4-nano*', '2026-03-05', [0.2, 0.02, 0.2, 1.25]),
  longer(openai('gpt-5.5*', '2026-04-23', [5, 0.5, 5, 30])),
  longer(openai('gpt-5.5-pro*', '2026-04-23', [30, 3, 30, 180])),
  longer(openai('gpt-5.6*', '2026-07-09', [5, 0.5, 6.25, 30])),
  longer(openai('gpt-5.6*', '2026-09-22', [4, 0.4, 5, 20])),
  longer(openai('gpt-5.6-terra*', '2026-07-09', [2.5, 0.25, 3.125, 15])),
  longer(openai('gpt-5.6-terra*', '2026-07-30', [2, 0.2, 2.5, 12])),
  longer(openai('gpt-5.6-luna*', '2026-07-09', [1, 0.1, 1.25, 6])),
  longer(openai('gpt-5.6-luna*', '2026-07-30', [0.2, 0.02, 0.25, 1.2])),
  longer(openai('gpt-6-astra*', '2026-09-03', [10, 1, 12.5, 50])),
  longer(openai('gpt-6-sol*', '2026-09-22', [2, 0.2, 2.5, 10])),
  longer(openai('gpt-6-luna*', '2026-09-22', [0.1, 0.01, 0.125, 0.5])),
  longer(openai('gpt-6.1-sol*', '2026-09-29', [2, 0.1, 2.5, 10])),
  longer(openai('gpt-6.1-terra*', '2026-10-26', [1, 0.05, 1.25, 5])),

  anthropic('claude-opus-4*', '2025-05-22', [15, 1.5, 18.75, 75]),
  anthropic('claude-opus-4-5*', '2025-11-24', [5, 0.5, 6.25, 25]),
  anthropic('claude-opus-4-6*', '2026-02-05', [5, 0.5, 6.25, 25]),
  anthropic('claude-opus-4-7*', '2026-04-16', [5, 0.5, 6.25, 25]),
  anthropic('claude-opus-4-8*', '2026-05-28', [5, 0.5, 6.25, 25]),
  anthropic('claude-opus-5*', '2026-07-24', [5, 0.5, 6.25, 25]),
  anthropic('claude-opus-5-5*', '2026-09-22', [4, 0.2, 5, 20]),
  anthropic('claude-sonnet-4*', '2025-05-22', [3, 0.3, 3.75, 15]),
  anthropic('claude-sonnet-5*', '2026-06-30', [2, 0.2, 2.5, 10]),
  anthropic('claude-sonnet-5-5*', '2026-09-28', [2, 0.2, 2.5, 10]),
  anthropic('claude-sonnet-5-5*', '2026-10-07', [2, 0.1, 2.5, 10]),
  anthropic('claude-haiku-4-5*', '2025-10-15', [1, 0.1, 1.25, 5]),
  {
    ...anthropic('claude-haiku-5-5*', '2026-10-07', [0.1, 0.01, 0.125, 0.5]),
    long: { aboveTokens: 100_000, inputPercent: 500, outputPercent: 500 },
  },
  anthropic('claude-fable-5*', '2026-09-01', [10, 0.25, 12.5, 50]),
];

/** The model of an agent that names none. */
export const DEFAULT_MODELS: Readonly<Record<PricedProvider, string>> = {
  codex: 'gpt-5.4',
  claude: 'claude-sonnet-4-6',
};

/** US dollars per million tokens of input, cached input, cache write and output. */
type Dollars = readonly [input: number, cached: number, cacheWrite: number, output: number];

function openai(model: string, from: string, dollars: Dollars): PriceRow {
  return row('codex', { model, from, dollars });
}

function anthropic(model: string, from: string, dollars: Dollars): PriceRow {
  return row('claude', { model, from, dollars });
}

function row(
  provider: PricedProvider,
  { model, from, dollars }: { model: string; from: string; dollars: Dollars },
): PriceRow {
  const [input, cached, cacheWrite, output] = dollars;
  return {
    provider,
    model,
    from,
    input: micro(input),
    cached: micro(cached),
    cacheWrite: micro(cacheWrite),
    output: micro(output),
  };
}

/** OpenAI's rule for models with a window of a million tokens: the whole request, not only what is above. */
function longer(price: PriceRow): PriceRow {
  return { ...price, long: { aboveTokens: 272_000, inputPercent: 200, outputPercent: 150 } };
}

function micro(usd: number): number {
  return Math.round(usd * 1_000_000);
}
