import type { TokenUsage } from './provider-event.ts';

export const NO_TOKENS: TokenUsage = {
  input: 0,
  cachedInput: 0,
  cacheWrite: 0,
  output: 0,
  reasoning: 0,
};

/**
 * What was used between two reports of one running total. A total that went down began anew: then it is all new,
 * for counting twice is a smaller mistake than not counting.
 */
export function usageSince(before: TokenUsage, total: TokenUsage): TokenUsage {
  const wentDown = allTokens(total) < allTokens(before);
  const from = wentDown ? NO_TOKENS : before;
  const less = (key: keyof TokenUsage): number => Math.max(0, total[key] - from[key]);
  return {
    input: less('input'),
    cachedInput: less('cachedInput'),
    cacheWrite: less('cacheWrite'),
    output: less('output'),
    reasoning: less('reasoning'),
  };
}

export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input: a.input + b.input,
    cachedInput: a.cachedInput + b.cachedInput,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    output: a.output + b.output,
    reasoning: a.reasoning + b.reasoning,
  };
}

function allTokens({ input, cachedInput, cacheWrite, output }: TokenUsage): number {
  return input + cachedInput + cacheWrite + output;
}
