import {
  byType,
  flag,
  lazy,
  listOf,
  nullable,
  number,
  object,
  oneOf,
  opaque,
  type Rule,
  text,
  textOr,
} from './body-rules.ts';

/** Longer-lived caches cost more than the price table says, so the time is the standard one. */
const cacheControl = nullable(object({ type: oneOf('ephemeral'), ttl: 'drop' }));

const imageData: Rule = (value, path, seen) => {
  text(value, path, seen);
  seen.images += 1;
  seen.imageBytes += typeof value === 'string' ? value.length : 0;
};

/** Inline alone: a URL would have the provider fetch it, a file id would read what others stored. */
const image = object({
  type: text,
  source: byType({ base64: object({ type: text, media_type: text, data: imageData }) }),
  cache_control: cacheControl,
});

const block: Rule = byType({
  text: object({ type: text, text, cache_control: cacheControl, citations: 'drop' }),
  image,
  document: object({
    type: text,
    source: byType({
      base64: object({ type: text, media_type: text, data: text }),
      text: object({ type: text, media_type: text, data: text }),
    }),
    title: nullable(text),
    context: nullable(text),
    citations: 'drop',
    cache_control: cacheControl,
  }),
  thinking: object({ type: text, thinking: text, signature: text }),
  redacted_thinking: object({ type: text, data: text }),
  tool_use: object({
    type: text,
    id: text,
    name: text,
    input: opaque,
    caller: byType({ direct: object({ type: text }) }),
    cache_control: cacheControl,
  }),
  tool_result: object({
    type: text,
    tool_use_id: text,
    content: textOr(lazy(() => listOf(resultBlock))),
    is_error: flag,
    cache_control: cacheControl,
  }),
});

/** Results do not hold results. */
const resultBlock = byType({ text: block, image, document: block });

/** Tools that the worker runs itself: they have no type. What a provider runs has one, such as `web_search_…`. */
const tool = byType(
  {
    custom: object({
      type: text,
      name: text,
      description: text,
      input_schema: opaque,
      strict: flag,
      defer_loading: flag,
      eager_input_streaming: nullable(flag),
      cache_control: cacheControl,
    }),
  },
  { missing: 'custom' },
);

/**
 * What may go to Anthropic's Messages API: what Claude Code 2.1.330 sends, and what the API documents beside it that
 * neither fetches, stores, nor runs anything at the provider. Model, tier, output limit and betas are set afterwards.
 */
export const messagesBody: Rule = object({
  model: text,
  messages: listOf(
    object({ role: oneOf('user', 'assistant', 'system'), content: textOr(listOf(block)) }),
  ),
  system: textOr(listOf(byType({ text: block }))),
  tools: listOf(tool),
  tool_choice: object({
    type: oneOf('auto', 'any', 'tool', 'none'),
    name: text,
    disable_parallel_tool_use: flag,
  }),
  max_tokens: number,
  stream: flag,
  temperature: number,
  top_p: number,
  top_k: number,
  stop_sequences: listOf(text),
  thinking: byType({
    enabled: object({ type: text, budget_tokens: number, display: nullable(text) }),
    adaptive: object({ type: text, display: nullable(text) }),
    disabled: object({ type: text }),
  }),
  context_management: nullable(
    object({
      edits: listOf(
        byType({
          clear_thinking_20251015: object({ type: text, keep: opaque }),
        }),
      ),
    }),
  ),
  output_config: object({
    effort: nullable(text),
    format: nullable(byType({ json_schema: object({ type: text, schema: opaque }) })),
  }),
  metadata: 'drop',
  service_tier: 'drop',
});
