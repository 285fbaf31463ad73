import { expect, test } from 'vitest';

import { claudeParser } from './claude-parser.ts';
import { codexParser } from './codex-parser.ts';
import type { ProviderVerdict } from './provider-event.ts';
import { fixedClock, NOW, replay } from './recorded-fixture.ts';

/** What Codex 0.169.0 printed for other answers of the gateway and of the API. */
test.for([
  [
    'unexpected status 402 Payment Required: Auto-Dev gateway: the budget of this attempt is spent, url: http://127.0.0.1:8088/v1/responses',
    'budget',
  ],
  [
    'unexpected status 402 Payment Required: no funds, url: https://api.example.org',
    'provider_auth',
  ],
  [
    'unexpected status 502 Bad Gateway: Auto-Dev gateway: upstream unreachable',
    'provider_overloaded',
  ],
  ["The model 'test-model' does not exist or you do not have access to it.", 'provider_error'],
  [
    '{"error":{"message":"Auto-Dev gateway: the tool type web_search is not allowed"}}',
    'provider_error',
  ],
  ['Our servers say: exceeded retry limit, last status: 429', 'provider_error'],
] as const)('codex: %s', ([message, reason]) => {
  const verdict = codexFails(message);

  expect(verdict).toMatchObject({ type: 'failed', reason, detail: message });
});

/** What Claude Code 2.1.330 printed for the same. */
test.for([
  [402, 'unknown', 'API Error: 402 Auto-Dev gateway: the budget is spent', 'budget'],
  [402, 'unknown', 'API Error: 402 Payment Required', 'provider_auth'],
  [400, 'unknown', 'API Error: 400 Auto-Dev gateway: not allowed', 'provider_error'],
  [502, 'server_error', 'API Error: 502 Auto-Dev gateway: unreachable', 'provider_overloaded'],
  [403, 'authentication_failed', 'Failed to authenticate.', 'provider_auth'],
  [400, 'billing_error', 'Credit balance is too low', 'provider_auth'],
  [404, 'model_not_found', 'There is an issue with the selected model', 'provider_error'],
] as const)('claude: %i %s %s', ([status, error, text, reason]) => {
  const verdict = claudeFails({ error }, { api_error_status: status, result: text });

  expect(verdict).toMatchObject({ type: 'failed', reason, detail: text });
});

test('a usage limit that Claude Code only puts into words ends when the words say', () => {
  const verdict = claudeFails(
    { error: 'rate_limit' },
    {
      api_error_status: 429,
      api_error: 'usage_limit_reached',
      result: "You've hit your limit · resets 4:34pm (UTC)",
    },
  );

  expect(verdict).toMatchObject({
    reason: 'rate_limited',
    freeAt: Date.parse('2026-11-22T16:35:00Z'),
  });
});

test('a limit that would last for years is one without a known end', () => {
  const years = NOW.getTime() / 1000 + 1e9;
  const lines = [
    { type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: years } },
  ].map((event) => ({ stream: 'stdout' as const, text: JSON.stringify(event) }));

  const { events } = replay(claudeParser({ clock: fixedClock }), { lines, code: 1 });

  expect(events).toEqual([{ type: 'rateLimited', until: undefined, hard: true }]);
});

test('an end that says done, with every tool call failed, is none', () => {
  const call = { id: 'item_1', type: 'command_execution', command: 'npm test' };
  const lines = [
    { type: 'item.started', item: { ...call, status: 'in_progress' } },
    { type: 'item.completed', item: { ...call, status: 'failed', exit_code: 7 } },
    { type: 'turn.completed', usage: {} },
  ];

  expect(codexPrints(lines)).toMatchObject({
    reason: 'provider_error',
    detail: expect.stringContaining('each of its 1 tool calls failed (command_execution)'),
  });
  expect(codexPrints([{ type: 'turn.completed', usage: {} }])).toEqual({ type: 'done' });
  // A call whose end was lost may have worked.
  expect(
    codexPrints([{ type: 'item.started', item: { id: 'item_0', type: 'file_change' } }, ...lines]),
  ).toEqual({ type: 'done' });
});

test('a session id that could be an option is none', () => {
  const parser = codexParser({ clock: fixedClock }, { model: undefined, used: undefined });
  const text = JSON.stringify({ type: 'thread.started', thread_id: '--dangerously' });

  expect(parser.line({ stream: 'stdout', text })).toEqual([{ type: 'started' }]);
});

function codexFails(message: string): ProviderVerdict {
  return codexPrints([{ type: 'turn.failed', error: { message } }], 1);
}

function codexPrints(lines: readonly object[], code = 0): ProviderVerdict {
  const parser = codexParser({ clock: fixedClock }, { model: undefined, used: undefined });
  return replay(parser, { lines: lines.map(printed), code }).verdict;
}

function claudeFails(assistant: object, result: object): ProviderVerdict {
  const lines = [
    { type: 'assistant', message: { content: [] }, ...assistant },
    { type: 'result', subtype: 'success', is_error: true, ...result },
  ];
  return replay(claudeParser({ clock: fixedClock }), { lines: lines.map(printed), code: 1 })
    .verdict;
}

function printed(event: object): { stream: 'stdout'; text: string } {
  return { stream: 'stdout', text: JSON.stringify(event) };
}
