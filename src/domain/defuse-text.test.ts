import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { defuseText, defuseTitle } from './defuse-text.ts';

const linkHosts = ['gitlab.example.com'];
const defuse = (text: string): string => defuseText(text, { linkHosts });

test.each([
  ['a quick action', '/merge', String.raw`\/merge`],
  ['an indented quick action', 'a\n  /close now', 'a\n  ' + String.raw`\/close now`],
  ['a quick action behind an odd line end', 'a\u2028/close', 'a\n' + String.raw`\/close`],
  ['a quick action in code', '```\n/close\n```', '```\n' + String.raw`\/close` + '\n```'],
  ['a mention', 'Ask @all or (@group/sub).', 'Ask ＠all or (＠group/sub).'],
  ['a closing keyword', 'Fixes #12, closes: group/app#3', 'Fixes ref #12, closes: ref group/app#3'],
  [
    'a closing keyword with a link',
    'Closes https://gitlab.example.com/a/-/issues/1',
    'Closes ref https://gitlab.example.com/a/-/issues/1',
  ],
  ['a closing keyword with a key', 'Implements issue ABC-1', 'Implements ref issue ABC-1'],
  ['skip-ci words', 'Fix [skip ci] [CI-SKIP]', 'Fix (skip ci) (CI-SKIP)'],
  ['an image', '![x](https://gitlab.example.com/a.png)', '[x](https://gitlab.example.com/a.png)'],
  ['a diagram', '```mermaid\ngraph\n```', '```text\ngraph\n```'],
  ['a diagram in a list', '- ~~~ {.plantuml}\n  a\n', '- ~~~text\n  a\n'],
  ['an include', '::include{file=/etc/x}', String.raw`\::include{file=/etc/x}`],
  ['front matter', '---\na: 1\n---\n', '\\---\na: 1\n---\n'],
  ['HTML', '<img src=x> <!-- y --> 1 < 2', '&lt;img src=x> &lt;!-- y --> 1 < 2'],
  ['a link elsewhere', '[a](https://evil.example/x)', '[a](hxxps://evil.example/x)'],
  [
    'a link without a scheme',
    'see www.evil.example and [a](//evil.example)',
    'see www[.]evil.example and [a](./evil.example)',
  ],
  [
    'a link with a user',
    'https://gitlab.example.com@evil.example',
    'hxxps://gitlab.example.com@evil.example',
  ],
  [
    'a link with escapes',
    String.raw`[a](https\://evil.example)`,
    String.raw`[a](hxxps\://evil.example)`,
  ],
  ['a link with entities', '[a](&#104;ttps://evil.example)', '[a](& #104;ttps[:]//evil.example)'],
  ['another scheme', 'ssh://host/x', 'ssh[:]//host/x'],
])('%s is defused', (_, text, expected) => {
  expect(defuse(text)).toBe(expected);
});

test('ordinary text stays as it is', () => {
  const text = [
    'The cache is closed twice; see `src/cache.ts:12` and https://gitlab.example.com/a/b.',
    '',
    '- 1 < 2 && a & b, user@example.org, issue #12',
    '',
    '```ts',
    'const list: Array<string> = [];',
    "import type { X } from '@types/x'; // https://example.org",
    '```',
    'It fixes the leak.',
  ].join('\n');

  expect(defuse(text)).toBe(text);
});

test('a link whose target begins the next line does not become a quick action', () => {
  expect(defuse(']:\n//close')).toBe(']:\n./close');
  expect(defuse('[a](\n//close)')).toBe('[a](\n./close)');
  expect(defuse('[a]:\u2028/close')).toBe('[a]:\n./close');
});

test('a fence that is never closed hides nothing from the rest', () => {
  expect(defuse('```\n@all <b>')).toBe('```\n＠all &lt;b>');
});

test('a fence of tildes around one of backticks is no way out', () => {
  expect(defuse('~~~\n```\n~~~\n@all\n```')).toContain('＠all');
});

test.each([
  ['Draft: Fix it', 'Fix it'],
  ['[WIP] draft: Fix\n/close', 'Fix /close'],
  ['/merge', String.raw`\/merge`],
  ['Draft the release notes', 'Draft the release notes'],
])('the title %j becomes %j', (title, expected) => {
  expect(defuseTitle(title, { linkHosts })).toBe(expected);
});

const piece = fc.constantFrom(
  '/',
  'merge',
  '\n',
  '\r',
  '\u2028',
  ' ',
  '\t',
  '@',
  'all',
  '`',
  '```',
  '~~~',
  'mermaid',
  '](',
  ']:',
  '\n/',
  '[',
  ']',
  '(',
  ')',
  '!',
  '<',
  '!--',
  '>',
  '&',
  '#',
  '#1',
  '39;',
  ';',
  'http',
  's',
  ':',
  '//',
  '\\',
  'www.',
  '.',
  'evil.example',
  'gitlab.example.com',
  'fixes',
  'closes:',
  'issue',
  'ABC-1',
  'skip',
  'ci',
  '-',
  '---',
  'draft',
  ':',
  '::include',
  '\u200b',
  '\u{e0041}',
  'a',
  '1.',
  '* ',
  '> ',
);
const anyText = fc
  .array(fc.oneof({ weight: 6, arbitrary: piece }, fc.string({ unit: 'binary', maxLength: 3 })), {
    maxLength: 30,
  })
  .map((pieces) => pieces.join(''));

test('defusing twice changes nothing more', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(defuse(defuse(text))).toBe(defuse(text));
      const title = defuseTitle(text, { linkHosts });
      expect(defuseTitle(title, { linkHosts })).toBe(title);
    }),
    { numRuns: 5000 },
  );
});

test('no quick action, no skip-ci word and no closing keyword survives anywhere', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const clean = defuse(text);
      const title = defuseTitle(text, { linkHosts });

      expect(clean).not.toMatch(/^\s*\//mu);
      expect(title).not.toMatch(/^\s*(?:\/|draft:)|\n/imu);
      expect(clean).not.toMatch(/\[(?:ci|skip)[ _-](?:ci|skip)\]/iu);
      expect(clean).not.toMatch(/\b(?:fixes|closes:?) +(?:issues? +)?(?:#\d|ABC-1)/iu);
    }),
    { numRuns: 5000 },
  );
});
