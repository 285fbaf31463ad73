import { expect, test } from 'vitest';

import type { LlmApi } from './api.ts';
import { checkBody } from './check-body.ts';
import { Refusal } from './refusal.ts';

const MODEL = 'the-model';
const TERMS = { models: [MODEL], maxOutput: 8_000 };
const check = (api: LlmApi, body: unknown) =>
  checkBody(api, Buffer.from(JSON.stringify(body)), TERMS);
const refusalOf = (api: LlmApi, body: unknown): string => {
  try {
    check(api, body);
  } catch (error) {
    return error instanceof Refusal
      ? `${error.status} ${error.message}`
      : `not refused: ${String(error)}`;
  }
  return 'not refused';
};

const codex = (values: object) => ({ model: MODEL, input: 'Hello.', ...values });
const claude = (values: object) => ({
  model: MODEL,
  messages: [{ role: 'user', content: 'Hello.' }],
  max_tokens: 100,
  ...values,
});
const item = (value: object) => codex({ input: [value] });
const part = (value: object) => item({ role: 'user', content: [value] });
const block = (value: object) => claude({ messages: [{ role: 'user', content: [value] }] });

test.each<[string, object, string]>([
  ['search', codex({ tools: [{ type: 'web_search' }] }), 'tools[0].type'],
  [
    'search among items',
    item({ type: 'additional_tools', role: 'developer', tools: [{ type: 'web_search' }] }),
    'input[0].tools[0].type',
  ],
  [
    'search in a group of a group',
    codex({
      tools: [
        {
          type: 'namespace',
          name: 'a',
          tools: [{ type: 'namespace', name: 'b', tools: [{ type: 'web_search_preview' }] }],
        },
      ],
    }),
    'tools[0].tools[0].tools[0].type',
  ],
  [
    'MCP in a group among items',
    item({
      type: 'additional_tools',
      tools: [{ type: 'namespace', name: 'a', tools: [{ type: 'mcp', server_url: 'https://x' }] }],
    }),
    'input[0].tools[0].tools[0].type',
  ],
  [
    'code that runs there',
    codex({ tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] }),
    'tools[0].type',
  ],
  ['files', codex({ tools: [{ type: 'file_search', vector_store_ids: ['vs'] }] }), 'tools[0].type'],
  [
    'a shell there',
    codex({ tools: [{ type: 'shell', environment: { type: 'container_auto' } }] }),
    'tools[0].type',
  ],
  ['a tool without a type', codex({ tools: [{ name: 'x' }] }), 'tools[0].type'],
  [
    'a tool that has more to it',
    codex({ tools: [{ type: 'function', name: 'x', server_url: 'https://x' }] }),
    'tools[0].server_url',
  ],
  ['a tool choice of theirs', codex({ tool_choice: { type: 'web_search' } }), 'tool_choice.type'],
  ['work in the background', codex({ background: true }), 'background'],
  ['a stored conversation', codex({ previous_response_id: 'resp_1' }), 'previous_response_id'],
  ['a stored conversation by name', codex({ conversation: 'conv_1' }), 'conversation'],
  ['a stored prompt', codex({ prompt: { id: 'pmpt_1' } }), 'prompt'],
  ['what a search brought', codex({ include: ['web_search_call.action.sources'] }), 'include[0]'],
  [
    'an image by URL',
    part({ type: 'input_image', image_url: 'https://x/y.png' }),
    'input[0].content[0].image_url',
  ],
  [
    'an image by id',
    part({ type: 'input_image', file_id: 'file_1' }),
    'input[0].content[0].file_id',
  ],
  [
    'an image that is a page',
    part({ type: 'input_image', image_url: 'data:text/html;base64,AAAA' }),
    'input[0].content[0].image_url',
  ],
  [
    'a file by URL',
    part({ type: 'input_file', file_url: 'https://x/y.pdf' }),
    'input[0].content[0].type',
  ],
  [
    'a file in a result',
    item({
      type: 'function_call_output',
      call_id: 'c',
      output: [{ type: 'input_file', file_id: 'f' }],
    }),
    'input[0].output[0].type',
  ],
  ['a stored item', item({ type: 'item_reference', id: 'msg_1' }), 'input[0].type'],
  [
    'a call that they approve',
    item({ type: 'mcp_approval_response', approve: true }),
    'input[0].type',
  ],
  ['a field that nobody knows', codex({ shiny: 1 }), 'shiny'],
  [
    'a field in a message that nobody knows',
    item({ role: 'user', content: 'x', source: { url: 'y' } }),
    'input[0].source',
  ],
  ['a prototype', JSON.parse('{"model":"the-model","input":"x","__proto__":{"a":1}}'), '__proto__'],
  ['another model', codex({ model: 'dear-model' }), 'model'],
  ['no model', { input: 'x' }, 'model'],
  ['an answer that is stored', codex({ input: 7 }), 'input'],
])('OpenAI is not asked for %s', (_, body, at) => {
  expect(refusalOf('responses', body)).toMatch(/^400 /);
  expect(refusalOf('responses', body)).toContain(`400 ${at}: `);
});

test.each<[string, object, string]>([
  [
    'search',
    claude({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
    'tools[0].type',
  ],
  [
    'fetching',
    claude({ tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }),
    'tools[0].type',
  ],
  [
    'code that runs there',
    claude({ tools: [{ type: 'code_execution_20250825', name: 'x' }] }),
    'tools[0].type',
  ],
  ['MCP servers', claude({ mcp_servers: [{ type: 'url', url: 'https://x' }] }), 'mcp_servers'],
  ['a container', claude({ container: 'c_1' }), 'container'],
  [
    'an image by URL',
    block({ type: 'image', source: { type: 'url', url: 'https://x' } }),
    'messages[0].content[0].source.type',
  ],
  [
    'an image by id',
    block({ type: 'image', source: { type: 'file', file_id: 'f' } }),
    'messages[0].content[0].source.type',
  ],
  [
    'a document by URL',
    block({ type: 'document', source: { type: 'url', url: 'https://x' } }),
    'messages[0].content[0].source.type',
  ],
  [
    'an image by URL in a result',
    block({
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'image', source: { type: 'url', url: 'https://x' } }],
    }),
    'messages[0].content[0].content[0].source.type',
  ],
  [
    'a result in a result',
    block({
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'tool_result', tool_use_id: 'u' }],
    }),
    'messages[0].content[0].content[0].type',
  ],
  [
    'what a search brought',
    block({ type: 'web_search_tool_result', tool_use_id: 't' }),
    'messages[0].content[0].type',
  ],
  ['an upload', block({ type: 'container_upload', file_id: 'f' }), 'messages[0].content[0].type'],
  [
    'a tool that a tool calls',
    block({
      type: 'tool_use',
      id: 't',
      name: 'x',
      input: {},
      caller: { type: 'code_execution_20250825' },
    }),
    'messages[0].content[0].caller.type',
  ],
  [
    'an image in the system prompt',
    claude({ system: [{ type: 'image', source: { type: 'url', url: 'https://x' } }] }),
    'system[0].type',
  ],
  [
    'a summary of theirs',
    claude({ context_management: { edits: [{ type: 'compact_20260112' }] } }),
    'context_management.edits[0].type',
  ],
  ['fast mode', claude({ speed: 'fast' }), 'speed'],
  ['another model', claude({ model: 'dear-model' }), 'model'],
])('Anthropic is not asked for %s', (_, body, at) => {
  expect(refusalOf('messages', body)).toContain(`400 ${at}: `);
});
