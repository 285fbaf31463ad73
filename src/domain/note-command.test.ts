import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { COMMANDS, parseNoteCommand } from './note-command.ts';

test.each([
  ['/autodev approve a1b2c3d4', { verb: 'approve', sha: 'a1b2c3d4' }],
  [`/autodev approve ${'a1'.repeat(20)}\n`, { verb: 'approve', sha: 'a1'.repeat(20) }],
  ['/autodev  reject not now', { verb: 'reject', text: 'not now' }],
  [
    '/autodev changes smaller\n\nand with a test',
    { verb: 'changes', text: 'smaller\n\nand with a test' },
  ],
  ['/autodev answer yes', { verb: 'answer', text: 'yes' }],
  ['/autodev rehearse bug-finder', { verb: 'rehearse', agent: 'bug-finder' }],
  ['/autodev plan', { verb: 'plan' }],
  ['/autodev retry', { verb: 'retry' }],
  ['/autodev stop', { verb: 'stop' }],
  ['/autodev help', { verb: 'help' }],
  ['/autodev', { verb: 'help' }],
])('%j is a command', (body, command) => {
  expect(parseNoteCommand(body)).toEqual(command);
});

test.each([
  '/autodev approve',
  '/autodev approve a1b2c3d',
  '/autodev approve HEAD',
  '/autodev approve a1b2c3d4 please',
  '/autodev approve a1b2c3d4\nbut not yet',
  '/autodev approve A1B2C3D4',
  '/autodev approved a1b2c3d4',
  '/autodev approve\u00a0of it',
  '/autodev reject',
  '/autodev changes   ',
  '/autodev stop it',
  '/autodev merge',
])('%j is meant for us and unclear, and says how it is written', (body) => {
  expect(parseNoteCommand(body)).toMatchObject({
    verb: 'unclear',
    remedy: expect.stringContaining('/autodev'),
  });
});

test.each([
  '> /autodev approve a1b2c3d4',
  ' /autodev approve a1b2c3d4',
  'As ann said:\n/autodev approve a1b2c3d4',
  '```\n/autodev approve a1b2c3d4\n```',
  '- /autodev approve a1b2c3d4',
  '<!-- -->/autodev approve a1b2c3d4',
  '`/autodev approve a1b2c3d4`',
  '/autodev-approve a1b2c3d4',
  '/autodevapprove a1b2c3d4',
  '\\/autodev approve a1b2c3d4',
  '/Autodev approve a1b2c3d4',
  'autodev approve a1b2c3d4',
  '',
])('%j is no command', (body) => {
  expect(parseNoteCommand(body)).toBeUndefined();
});

test('every command that is explained can be given', () => {
  for (const [usage] of COMMANDS) {
    const body = usage
      .replace('SHA', 'a1b2c3d4')
      .replace('AGENT', 'builder')
      .replace(/[A-Z]+$/u, 'words');

    expect(parseNoteCommand(body)?.verb).not.toBe('unclear');
  }
});

test('text before a command makes it none', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (before) => {
      fc.pre(/[!-~]/u.test(before) && !'/autodev approve a1b2c3d4'.startsWith(before));

      expect(parseNoteCommand(`${before}/autodev approve a1b2c3d4`)?.verb).not.toBe('approve');
    }),
  );
});
