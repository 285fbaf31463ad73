import path from 'node:path';

import { expect, test } from 'vitest';

import { isJsonObject } from '../../domain/canonical-json.ts';
import type { LlmApi } from './api.ts';
import { checkBody } from './check-body.ts';
import { recordedRequests, SHAPES } from './recorded-requests-fixture.ts';
import { Refusal } from './refusal.ts';

const MODEL = 'the-model';
const TERMS = { models: [MODEL], maxOutput: 8_000 };
const check = (api: LlmApi, body: unknown) =>
  checkBody(api, Buffer.from(JSON.stringify(body)), TERMS);
const sent = (api: LlmApi, body: unknown, maxOutput = 8_000): Record<string, unknown> => {
  const parsed: unknown = JSON.parse(check(api, body).serialize(maxOutput).toString());
  return isJsonObject(parsed) ? { ...parsed } : {};
};
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
const part = (value: object) => codex({ input: [{ role: 'user', content: [value] }] });

const contracts = process.env['AUTODEV_CONTRACTS'];
const folders = [
  ['by shape', SHAPES],
  ['as they were', contracts === undefined ? undefined : path.join(contracts, 'cli/requests')],
] as const;

for (const [how, folder] of folders) {
  const requests = folder === undefined ? [] : recordedRequests(folder);

  test.skipIf(requests.length === 0)(
    `all that the real CLIs send goes out, but search (recorded, ${how})`,
    () => {
      const verdicts = requests.map(({ name, api, body }) => {
        const verdict = refusalOf(api, { ...body, model: MODEL });
        return verdict === 'not refused' ? `${name} goes out` : `${name} ${verdict}`;
      });

      expect(verdicts).toHaveLength(23);
      expect(verdicts.filter((verdict) => !verdict.endsWith(' goes out'))).toEqual([
        expect.stringMatching(/^codex\/websearch-live.json 400 tools\[\d\]\.type: "web_search"/),
      ]);
    },
  );
}

test('what a job allows is set, whatever was asked; what identifies a machine is dropped', () => {
  const toOpenAi = sent(
    'responses',
    codex({
      max_output_tokens: 1_000_000,
      store: true,
      service_tier: 'priority',
      client_metadata: { installation: 'x' },
      metadata: { a: 'b' },
      user: 'me',
    }),
  );
  const toAnthropic = sent(
    'messages',
    claude({ max_tokens: 64_000, metadata: { user_id: 'x' }, service_tier: 'auto' }),
  );

  expect(toOpenAi).toEqual({
    model: MODEL,
    input: 'Hello.',
    store: false,
    max_output_tokens: 8_000,
  });
  expect(toAnthropic).toEqual(claude({ max_tokens: 8_000 }));
});

test('a smaller output limit than the job’s is kept, and thinking stays below the limit', () => {
  const thinking = { type: 'enabled', budget_tokens: 31_999, display: 'updates' };

  expect(check('messages', claude({})).wantedOutput).toBe(100);
  expect(check('responses', codex({ max_output_tokens: 50 })).wantedOutput).toBe(50);
  expect(check('responses', codex({ max_output_tokens: -1 })).wantedOutput).toBe(8_000);
  expect(sent('messages', claude({ thinking }), 4_000)['thinking']).toEqual({
    ...thinking,
    budget_tokens: 3_999,
  });
  expect(sent('messages', claude({ thinking }), 1_000)['thinking']).toEqual({ type: 'disabled' });
});

test('the tier of a job is asked for', () => {
  const body = checkBody('responses', Buffer.from(JSON.stringify(codex({}))), {
    ...TERMS,
    tier: 'flex',
  });

  expect(JSON.parse(body.serialize(10).toString())).toMatchObject({ service_tier: 'flex' });
});

test('inline images are counted apart from text', () => {
  const data = 'A'.repeat(40_000);
  const { seen, bytes } = check(
    'responses',
    part({ type: 'input_image', image_url: `data:image/png;base64,${data}`, detail: 'high' }),
  );

  expect(seen).toEqual({ images: 1, imageBytes: data.length + 22 });
  expect(bytes - seen.imageBytes).toBeLessThan(300);
});

test('what is no request at all is refused in words', () => {
  const raw = (text: string): string => {
    try {
      checkBody('responses', Buffer.from(text), TERMS);
    } catch (error) {
      return error instanceof Refusal ? error.message : `a bug: ${String(error)}`;
    }
    return 'not refused';
  };
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);

  expect(raw('{"model": ')).toBe('the body is not JSON');
  expect(raw('[]')).toBe('the body: must be an object');
  expect(raw(`{"model":"the-model","input":${deep}}`)).toMatch(/^input\[0\]: must be an object/);
  expect(
    raw(
      `{"model":"the-model","input":"x","tools":[{"type":"function","name":"x","parameters":${deep}}]}`,
    ),
  ).toMatch(/^tools\[0\]\.parameters: is nested deeper than 64|the body is not JSON/);
});

test('a message quotes no more than a few words of what was sent', () => {
  const refusal = refusalOf('responses', codex({ tools: [{ type: `x${'y'.repeat(10_000)}\n` }] }));

  expect(refusal.length).toBeLessThan(200);
  expect(refusal).not.toContain('\n');
});
