import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { createReplyGuard } from './reply-guard.ts';

/** What a server may send us, message after message. */
const replies = fc.array(
  fc.oneof(
    fc.constantFrom('+OK\r\n', '+PONG\r\n', ':3\r\n', '-NOPERM this user has no permissions\r\n'),
    fc.constant('*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n'),
    fc.constant('*2\r\n$4\r\npong\r\n$0\r\n\r\n'),
    fc
      .uint8Array({ maxLength: 1024 })
      .map((bytes) => `*3\r\n${text('message')}${text('channel')}${text(latin1(bytes))}`),
  ),
  { maxLength: 20 },
);

test('what a server may send comes through unchanged, however it is cut into pieces', () => {
  fc.assert(
    fc.property(replies, fc.array(fc.integer({ min: 1, max: 700 })), (sent, cuts) => {
      const stream = sent.join('');

      expect(admit(stream, cuts)).toBe(stream);
    }),
  );
});

test('a text that is too long is taken out, and what follows comes through', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1025, max: 9000 }),
      fc.array(fc.integer({ min: 1, max: 3000 })),
      (bytes, cuts) => {
        const long = `*3\r\n${text('message')}${text('channel')}${text('\r\n'.repeat(bytes).slice(0, bytes))}`;

        const admitted = admit(`${long}+OK\r\n`, cuts);

        expect(admitted).toBe(`*3\r\n${text('message')}${text('channel')}$1\r\n!\r\n+OK\r\n`);
      },
    ),
  );
});

test.for([
  'HTTP/1.1 400 Bad Request\r\n',
  '$-1\r\n',
  '*-1\r\n',
  '_\r\n',
  '*0\r\n',
  '*4\r\n',
  '*2\r\n*2\r\n',
  '$x\r\n',
  '$-2\r\n',
  '$99999999999999\r\n',
  '+half\n',
  '+a\rb\r\n',
  '\r\n',
  '>2\r\n',
  '%1\r\n',
  `+${'x'.repeat(5000)}`,
])('%j is no answer of a server', (sent) => {
  expect(() => admit(sent, [])).toThrow(Error);
});

test('noise either comes through as answers or is refused, and never grows', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
      const noise = chunks.map(latin1).join('');
      const cuts = chunks.map(({ length }) => length);

      expect(admitOrRefuse(noise, cuts).length).toBeLessThanOrEqual(noise.length);
    }),
  );
});

function admitOrRefuse(stream: string, cuts: readonly number[]): string {
  try {
    return admit(stream, cuts);
  } catch {
    return '';
  }
}

function admit(stream: string, cuts: readonly number[]): string {
  const guard = createReplyGuard();
  const bytes = Buffer.from(stream, 'latin1');
  const admitted: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    admitted.push(guard(bytes.subarray(at, at + cut)));
    at += cut;
  }
  return Buffer.concat(admitted).toString('latin1');
}

function text(content: string): string {
  return `$${content.length}\r\n${content}\r\n`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
