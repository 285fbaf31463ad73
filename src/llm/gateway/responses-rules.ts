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
  refuse,
  type Rule,
  text,
  textOr,
} from './body-rules.ts';

/** Inline alone: a URL would have the provider fetch it, which is a way out. */
const imageUrl: Rule = (value, path, seen) => {
  if (typeof value === 'string' && /^data:image\/[a-z.+-]+;base64,/.test(value)) {
    seen.images += 1;
    seen.imageBytes += value.length;
  } else {
    refuse(path, 'images must be inline (data:image/…;base64,…)');
  }
};

const content = byType({
  input_text: object({ type: text, text }),
  output_text: object({ type: text, text, annotations: 'drop', logprobs: 'drop' }),
  refusal: object({ type: text, refusal: text }),
  input_image: object({ type: text, image_url: imageUrl, detail: text }),
});

const toolOutput = object({
  type: text,
  id: text,
  call_id: text,
  name: text,
  output: textOr(listOf(content)),
  status: text,
});

/** Functions that the worker runs itself. What a provider would run (search, fetch, code, MCP) has other types. */
const tool: Rule = byType({
  function: object({
    type: text,
    name: text,
    description: text,
    strict: nullable(flag),
    parameters: nullable(opaque),
    defer_loading: flag,
  }),
  custom: object({
    type: text,
    name: text,
    description: text,
    format: byType({
      text: object({ type: text }),
      grammar: object({ type: text, syntax: text, definition: text }),
    }),
    defer_loading: flag,
  }),
  // With some models Codex puts its tools into groups, which may hold groups.
  namespace: object({
    type: text,
    name: text,
    description: text,
    tools: lazy(() => listOf(tool)),
  }),
});

const item = byType(
  {
    message: object({
      type: text,
      id: text,
      role: oneOf('developer', 'system', 'user', 'assistant'),
      content: textOr(listOf(content)),
      status: text,
      phase: nullable(text),
    }),
    function_call: object({
      type: text,
      id: text,
      call_id: text,
      name: text,
      namespace: text,
      arguments: text,
      status: text,
    }),
    custom_tool_call: object({
      type: text,
      id: text,
      call_id: text,
      name: text,
      namespace: text,
      input: text,
      status: text,
    }),
    function_call_output: toolOutput,
    custom_tool_call_output: toolOutput,
    reasoning: object({
      type: text,
      id: text,
      summary: listOf(object({ type: oneOf('summary_text'), text })),
      content: nullable(listOf(object({ type: oneOf('reasoning_text', 'text'), text }))),
      encrypted_content: nullable(text),
      status: text,
    }),
    // With some models all tools come as an item instead of the field `tools`.
    additional_tools: object({ type: text, id: text, role: text, tools: listOf(tool) }),
    compaction: object({ type: text, id: text, encrypted_content: text }),
  },
  { missing: 'message' },
);

const toolChoice = byType({
  function: object({ type: text, name: text }),
  custom: object({ type: text, name: text }),
});

/**
 * What may go to OpenAI's Responses API: what Codex 0.169.0 sends, and what the API documents beside it that neither
 * fetches, stores, nor runs anything at the provider. Model, tier, output limit and `store` are set afterwards.
 */
export const responsesBody: Rule = object({
  model: text,
  instructions: nullable(text),
  input: textOr(listOf(item)),
  tools: listOf(tool),
  tool_choice: textOr(toolChoice),
  parallel_tool_calls: flag,
  reasoning: nullable(
    object({
      effort: nullable(text),
      summary: nullable(text),
      context: nullable(text),
    }),
  ),
  text: object({
    verbosity: nullable(text),
    format: byType({
      text: object({ type: text }),
      json_object: object({ type: text }),
      json_schema: object({
        type: text,
        name: text,
        description: text,
        strict: nullable(flag),
        schema: opaque,
      }),
    }),
  }),
  include: listOf(oneOf('reasoning.encrypted_content')),
  prompt_cache_key: text,
  max_output_tokens: nullable(number),
  temperature: nullable(number),
  top_p: nullable(number),
  stream: flag,
  store: 'drop',
  service_tier: 'drop',
  client_metadata: 'drop',
  metadata: 'drop',
  user: 'drop',
  safety_identifier: 'drop',
  stream_options: 'drop',
});
