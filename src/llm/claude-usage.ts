import type { JsonObject } from './json-line.ts';
import { countAt, objectAt } from './json-line.ts';
import type { ProviderEvent } from './provider-event.ts';

/**
 * What a run has used, from its `result`: by model where it says so, which also counts calls beside the main
 * conversation. Its input leaves out what a cache was read or written for. (`modelUsage`, without `since_last`, and
 * the cost go on counting over a resume; `usage` misses a call whose answer was cut.)
 */
export function claudeUsage(result: JsonObject): readonly ProviderEvent[] {
  const byModel = objectAt(result, 'model_usage_since_last_result');
  const models = Object.keys(byModel);
  if (models.length > 0) {
    return models.map((model) => {
      const used = objectAt(byModel, model);
      return {
        type: 'usage',
        model,
        input: countAt(used, 'inputTokens'),
        cachedInput: countAt(used, 'cacheReadInputTokens'),
        cacheWrite: countAt(used, 'cacheCreationInputTokens'),
        output: countAt(used, 'outputTokens'),
        reasoning: countAt(used, 'thinkingTokens'),
      };
    });
  }
  const usage = objectAt(result, 'usage');
  return [
    {
      type: 'usage',
      input: countAt(usage, 'input_tokens'),
      cachedInput: countAt(usage, 'cache_read_input_tokens'),
      cacheWrite: countAt(usage, 'cache_creation_input_tokens'),
      output: countAt(usage, 'output_tokens'),
      reasoning: countAt(objectAt(usage, 'output_tokens_details'), 'thinking_tokens'),
    },
  ];
}
