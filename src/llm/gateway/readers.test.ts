import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { LlmApi } from './api.ts';
import { createInputEstimator } from './input-estimate.ts';
import { createKeyMask, maskText } from './mask-key.ts';
import { createUsageReader } from './usage-reader.ts';

const event = (data: object): string => `event: x\ndata: ${JSON.stringify(data)}\n\n`;
const MESSAGES = [
  event({
    type: 'message_start',
    message: {
      usage: {
        input_tokens: 3,
        cache_read_input_tokens: 40,
        cache_creation_input_tokens: 5,
        output_tokens: 1,
      },
    },
  }),
  event({ type: 'content_block_delta', delta: { text: 'say "usage": {"output_tokens": 9999}\n' } }),
  event({ type: 'message_delta', usage: { output_tokens: 77 } }),
  event({ type: 'message_stop' }),
].join('');
const RESPONSES = [
  event({ type: 'response.created', response: { usage: null } }),
  event({ type: 'response.output_text.delta', delta: '"type":"error" "usage"' }),
  event({
    type: 'response.completed',
    response: {
      usage: {
        input_tokens: 48,
        input_tokens_details: { cached_tokens: 40, cache_write_tokens: 5 },
        output_tokens: 77,
      },
    },
  }),
].join('');
const read = (api: LlmApi, pieces: readonly Buffer[], streams = true) => {
  const reader = createUsageReader(api, { streams });
  for (const piece of pieces) {
    reader.push(piece);
  }
  return reader.end();
};
const split = (text: string, cuts: readonly number[]): Buffer[] => {
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
};
const USED = { input: 3, cached: 40, cacheWrite: 5, output: 77 };

test('usage is read the same however the stream is split, and never from what a model wrote', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
      expect(read('messages', split(MESSAGES, cuts))).toMatchObject({
        isFinal: true,
        tokens: USED,
      });
      expect(read('responses', split(RESPONSES, cuts))).toMatchObject({
        isFinal: true,
        tokens: USED,
        failure: undefined,
      });
    }),
  );
});

test('a cut stream has what was counted so far, and is not final', () => {
  const [start = ''] = MESSAGES.split('event: x\ndata: {"type":"message_delta"');

  expect(read('messages', [Buffer.from(start)])).toMatchObject({
    isFinal: false,
    hasOutput: true,
    tokens: { input: 3, cached: 40, cacheWrite: 5, output: 1 },
  });
});

test('counts that are none are not believed', () => {
  const claim = (usage: object) =>
    read('responses', [Buffer.from(event({ type: 'response.completed', response: { usage } }))]);

  expect(claim({ input_tokens: -5, output_tokens: 1 }).isFinal).toBe(false);
  expect(claim({ input_tokens: 'many', output_tokens: 1 }).isFinal).toBe(false);
  expect(claim({ input_tokens: 1e300, output_tokens: 1 }).isFinal).toBe(false);
  expect(claim({ input_tokens: 1, output_tokens: 0.5 }).isFinal).toBe(false);
});

test('a document over many lines is read as one, whatever a tool was called with', () => {
  const document = JSON.stringify(
    {
      content: [{ type: 'tool_use', input: { usage: { output_tokens: 1 } } }],
      usage: {
        input_tokens: 3,
        cache_read_input_tokens: 40,
        cache_creation_input_tokens: 5,
        output_tokens: 77,
      },
    },
    null,
    2,
  );

  expect(read('messages', split(document, [10, 50, 90]), false)).toMatchObject({
    isFinal: true,
    tokens: USED,
  });
});

test('a key is taken out wherever it stands and however it is split', () => {
  const key = 'sk-sk-secret-0123';
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(key, 'sk-', 's', 'text\n', 'sk-sk-secret'), { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (words, cuts) => {
        const text = `${words.join(' ')} .`;
        const mask = createKeyMask(key);
        const out = [...split(text, cuts).map((piece) => mask.push(piece)), mask.end()];

        expect(Buffer.concat(out).toString()).toBe(text.replaceAll(key, '[key]'));
        expect(maskText(text, key)).toBe(text.replaceAll(key, '[key]'));
      },
    ),
  );
});

test('nothing of an event waits for the next one', () => {
  const mask = createKeyMask('sk-secret-0123');

  expect(mask.push(Buffer.from('data: sk-sec\n\n')).toString()).toBe('data: sk-sec\n\n');
});

test('an estimate begins at a third of the bytes and follows what was really counted', () => {
  const estimator = createInputEstimator();
  const size = { bytes: 30_000, seen: { images: 0, imageBytes: 0 } };

  const first = estimator.estimate(size);
  estimator.learn(size, 24_000);
  const dense = estimator.estimate(size);

  expect(first).toEqual({ likely: 10_512, most: 30_512 });
  expect(dense.likely).toBeGreaterThan(24_000);
  expect(dense.most).toBe(30_512);
});

test('the bytes of an image are not taken for text', () => {
  const { likely, most } = createInputEstimator().estimate({
    bytes: 4_000_900,
    seen: { images: 1, imageBytes: 4_000_000 },
  });

  expect([likely, most]).toEqual([300 + 512 + 3_000, 900 + 512 + 12_000]);
});
