import { expect, test } from 'vitest';

import { commandProvider } from './command.ts';

const context = { cwd: '/workspace', home: '/home/worker', role: '', prompt: 'Do it.' };

test('exit 0 is done, and anything else a crash with the last words', () => {
  const parser = (): ReturnType<typeof commandProvider.newParser> => {
    const made = commandProvider.newParser({ name: 'command', run: ['x'] });
    for (const text of ['one', '', 'two', 'three', 'four']) {
      made.line({ stream: 'stdout', text });
    }
    return made;
  };

  expect(parser().end({ code: 0, signal: undefined })).toEqual({ type: 'done' });
  expect(parser().end({ code: 2, signal: undefined })).toEqual({
    type: 'failed',
    reason: 'crashed',
    detail: 'The program ended with code 2, after: two | three | four',
  });
  expect(parser().end({ code: undefined, signal: 'SIGSEGV' })).toMatchObject({
    detail: expect.stringContaining('was ended by SIGSEGV'),
  });
});

test('a program is started without a shell, and one that is not named is refused', () => {
  expect(
    commandProvider.buildCommand({ name: 'command', run: ['node', 'a.mjs', '$HOME'] }, context),
  ).toMatchObject({ file: 'node', argv: ['a.mjs', '$HOME'], env: {}, home: [], programs: [] });
  expect(() => commandProvider.buildCommand({ name: 'command' }, context)).toThrow(
    'names no program',
  );
});

test('a program that calls models finds the gateway where the clients of both APIs look', () => {
  const gateway = { url: 'http://127.0.0.1:8088', token: 'of-this-attempt' };
  const run = ['agent'];

  const withModel = commandProvider.buildCommand(
    { name: 'command', run, llm: true },
    { ...context, gateway },
  );
  const without = commandProvider.buildCommand({ name: 'command', run }, { ...context, gateway });

  expect(withModel.env).toEqual({
    OPENAI_BASE_URL: 'http://127.0.0.1:8088/v1',
    OPENAI_API_KEY: 'of-this-attempt',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:8088',
    ANTHROPIC_API_KEY: 'of-this-attempt',
  });
  expect(without.env).toEqual({});
});

test('only a program that calls models costs anything', () => {
  expect(commandProvider.kind({ name: 'command', llm: false })).toBe('none');
  expect(commandProvider.kind({ name: 'command', llm: true })).toBe('metered');
});

test('of a crash the line that names the error is told, not what is printed below it', () => {
  const parser = commandProvider.newParser({ name: 'command', run: ['node', 'gone.mjs'] });
  const printed = `reading
node:internal/modules/cjs/loader:1478
  throw err;

Error: Cannot find module '/app/gone.mjs'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1475:15)
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v24.21.0`;
  for (const text of printed.split('\n')) {
    parser.line({ stream: 'stderr', text });
  }

  expect(parser.end({ code: 1, signal: undefined })).toMatchObject({
    detail: "The program ended with code 1, after: Error: Cannot find module '/app/gone.mjs'",
  });
});
