import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isJsonObject } from '../domain/canonical-json.ts';
import { claudeParser } from './claude-parser.ts';
import { codexParser } from './codex-parser.ts';
import type { PrintedLine, ProviderParser } from './provider.ts';
import { fixedClock, readRecordings, replay } from './recorded-fixture.ts';

const PROGRAMS = {
  codex: () => codexParser({ clock: fixedClock }, { model: undefined, used: undefined }),
  claude: () => claudeParser({ clock: fixedClock }),
} as const;

/** One verdict, whatever was printed: the promise of a parser. */
function verdictOf(parser: ProviderParser, lines: readonly PrintedLine[], code = 0): string {
  const { verdict, events } = replay(parser, { lines, code });
  expect(events.some(({ type }) => type === 'done' || type === 'failed')).toBe(false);
  return verdict.type;
}

function stdout(text: string): PrintedLine {
  return { stream: 'stdout', text };
}

describe.each(['codex', 'claude'] as const)('%s', (program) => {
  const open = PROGRAMS[program];
  const recordings = readRecordings(program);
  const recording = fc.constantFrom(...recordings);

  test('a run that was cut anywhere has a verdict, and it is not success', () => {
    fc.assert(
      fc.property(recording, fc.nat(), ({ lines, code }, at) => {
        const printed = lines.filter(({ stream }) => stream === 'stdout');
        const cut = printed.slice(0, at % Math.max(1, printed.length));

        expect(verdictOf(open(), cut, code)).toBe('failed');
      }),
    );
  });

  test('lines split in two, or joined with others, break nothing', () => {
    fc.assert(
      fc.property(recording, fc.infiniteStream(fc.nat(4000)), ({ lines, code }, cuts) => {
        const pieces = lines.flatMap(({ stream, text }) => {
          const [at = 0] = cuts.take(1);
          return [
            { stream, text: text.slice(0, at) },
            { stream, text: text.slice(at) },
          ];
        });

        expect(['done', 'failed']).toContain(verdictOf(open(), pieces, code));
      }),
    );
  });

  test('the order of keys, unknown keys and unknown events change nothing', () => {
    fc.assert(
      fc.property(recording, fc.integer(), ({ lines, code }, seed) => {
        const strange = [
          stdout(JSON.stringify({ type: 'brand.new', item: { type: 'brand_new', id: 'x' } })),
          stdout(JSON.stringify({ type: 'system', subtype: 'brand_new' })),
        ];
        const reordered = lines.map(({ stream, text }) => ({
          stream,
          text:
            stream === 'stdout'
              ? JSON.stringify({ brand_new: [seed], ...withKeysMoved(text, seed) })
              : text,
        }));

        const found = replay(open(), { lines: [...strange, ...reordered], code });

        const expected = replay(open(), { lines, code });
        expect(found.verdict).toEqual(expected.verdict);
        expect(found.used).toEqual(expected.used);
        expect(found.events).toEqual(expected.events);
      }),
    );
  });

  test('any JSON in the place of any value is read without a throw', () => {
    fc.assert(
      fc.property(recording, fc.jsonValue(), fc.nat(), ({ lines, code }, value, at) => {
        const damaged = lines.map(({ stream, text }) => ({
          stream,
          text: stream === 'stdout' ? damage(text, { value, at }) : text,
        }));

        expect(['done', 'failed']).toContain(verdictOf(open(), damaged, code));
      }),
      { numRuns: 300 },
    );
  });

  test('what is no JSON at all is a warning, and only the exit code is left to judge', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.nat(255), (texts, code) => {
        expect(verdictOf(open(), texts.map(stdout), code)).toBe('failed');
      }),
    );
  });

  test('a line of megabytes is read, and one that was cut is a short warning', () => {
    const long = 'x'.repeat(3_000_000);
    const parser = open();

    const whole = parser.line(stdout(JSON.stringify({ type: 'brand.new', long })));
    const cut = parser.line(stdout(`{"type":"brand.new","long":"${long} … [line cut]`));

    expect(whole).toEqual([]);
    expect(cut).toMatchObject([{ type: 'warning' }]);
    expect(JSON.stringify(cut).length).toBeLessThan(1000);
  });

  test('what looks like a limit in the output of a tool is none', () => {
    const words =
      'exceeded retry limit, last status: 429 You’ve hit your usage limit 401 Unauthorized rate_limit';
    const parser = open();
    const lines = [
      { type: 'item.completed', item: { id: 'i', type: 'agent_message', text: words } },
      {
        type: 'item.completed',
        item: {
          id: 'j',
          type: 'command_execution',
          command: words,
          aggregated_output: words,
          status: 'failed',
        },
      },
      {
        type: 'user',
        message: {
          content: [{ type: 'tool_result', tool_use_id: 't', content: words, is_error: true }],
        },
      },
      { type: 'assistant', message: { content: [{ type: 'text', text: words }] } },
    ].map((event) => stdout(JSON.stringify(event)));

    const { events, verdict } = replay(parser, { lines, code: 1 });

    expect(events.map(({ type }) => type).filter((type) => type !== 'text')).toEqual(['tool']);
    expect(verdict).toMatchObject({ type: 'failed', reason: 'provider_error' });
  });
});

function withKeysMoved(text: string, seed: number): object {
  const moved = reorder(JSON.parse(text), seed);
  return isJsonObject(moved) ? moved : {};
}

/** The same value with the keys of its objects in another order. */
function reorder(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => reorder(each, seed));
  }
  if (!isJsonObject(value)) {
    return value;
  }
  const entries = Object.entries(value).map(([key, each]) => [key, reorder(each, seed)] as const);
  const shift = Math.abs(seed) % Math.max(1, entries.length);
  const turned = [...entries.slice(shift), ...entries.slice(0, shift)];
  return Object.fromEntries(seed % 2 === 0 ? turned : turned.toReversed());
}

/** The line with one of its values, wherever it stands, replaced. */
function damage(text: string, { value, at }: { value: unknown; at: number }): string {
  let left = at % 40;
  const walk = (each: unknown): unknown => {
    left -= 1;
    if (left < 0) {
      left = Number.POSITIVE_INFINITY;
      return value;
    }
    if (Array.isArray(each)) {
      return each.map(walk);
    }
    return isJsonObject(each)
      ? Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, walk(inner)]))
      : each;
  };
  return JSON.stringify(walk(JSON.parse(text)));
}
