import * as fc from 'fast-check';
import picomatch from 'picomatch';
import { expect, test } from 'vitest';

import { checkPatch, type PatchEntry, type PatchRules } from './patch-check.ts';
import { PROTECTED_PATHS } from './protected-paths.ts';
import { foldPath } from './unsafe-path.ts';

/** Put together here, so that this file holds no text with the shape of a token. */
const TOKEN = ['gl', 'pat-', 'x1'.repeat(12)].join('');

const matches = (glob: string, path: string): boolean => picomatch(glob, { dot: true })(path);

function entry(change: Partial<PatchEntry> & { path: string }): PatchEntry {
  return {
    status: 'M',
    oldMode: '100644',
    newMode: '100644',
    size: 10,
    binary: false,
    addedLines: ['const a = 1;'],
    ...change,
  };
}

function check(entries: readonly PatchEntry[], rules: Partial<PatchRules> = {}) {
  return checkPatch(entries, { maxBytes: 1000, matches, ...rules });
}

const codes = (entries: readonly PatchEntry[], rules: Partial<PatchRules> = {}): string[] =>
  check(entries, rules).map(({ code }) => code);

test('an ordinary change passes', () => {
  expect(
    check([
      entry({ path: 'src/a.ts' }),
      entry({ path: 'src/b.ts', status: 'A', oldMode: '000000' }),
      entry({ path: 'old.ts', status: 'D', newMode: '000000', size: 5000, binary: true }),
    ]),
  ).toEqual([]);
});

test.each<[string, Partial<PatchEntry>]>([
  ['symlink', { newMode: '120000', status: 'T' }],
  ['submodule', { newMode: '160000', status: 'A' }],
  ['executable', { newMode: '100755' }],
  ['binary', { binary: true }],
  ['too_large', { size: 1001 }],
  ['conflict_marker', { addedLines: ['a', '<<<<<<< HEAD'] }],
  ['conflict_marker', { addedLines: ['>>>>>>> theirs'] }],
  ['hidden_text', { addedLines: ['if (admin\u202e) {'] }],
  ['hidden_text', { addedLines: ['a\u{e0041}'] }],
  ['secret', { addedLines: [`token: ${TOKEN}`] }],
  ['secret', { addedLines: [['-----BEGIN', 'OPENSSH', 'PRIVATE KEY-----'].join(' ')] }],
  ['secret', { addedLines: [['postgres://admin', 'hunter2hunter2@db/x'].join(':')] }],
])('%s is refused', (code, change) => {
  expect(codes([entry({ path: 'src/a.ts', ...change })])).toEqual([code]);
});

test('a heading underlined with equal signs is no conflict', () => {
  expect(codes([entry({ path: 'README.md', addedLines: ['Title', '======='] })])).toEqual([]);
});

test('a file that was executable may stay so, and permission lets another become it', () => {
  expect(codes([entry({ path: 'run', oldMode: '100755', newMode: '100755' })])).toEqual([]);
  expect(codes([entry({ path: 'run', newMode: '100755' })], { allowExecutables: true })).toEqual(
    [],
  );
});

test('a refusal names the added line and never the secret', () => {
  const [refusal] = check([entry({ path: 'src/a.ts', addedLines: ['a', TOKEN] })]);

  expect(refusal).toMatchObject({ path: 'src/a.ts', addedLine: 2 });
  expect(JSON.stringify(refusal)).not.toContain(TOKEN);
});

test.each([
  'autodev.yaml',
  'AutoDev.YAML',
  '.gitlab-ci.yml',
  'packages/api/.npmrc',
  '.husky/pre-commit',
  'docs/CODEOWNERS',
  'packages/api/AGENTS.md',
  '.claude/settings.json',
  'CLAUDE.md',
])('%s is protected', (path) => {
  expect(codes([entry({ path })])).toEqual(['protected_path']);
});

test('moving a protected file away counts as changing it', () => {
  expect(codes([entry({ path: 'ci.yml', oldPath: '.gitlab-ci.yml', status: 'R' })])).toEqual([
    'protected_path',
  ]);
});

test('a wide glob is no permission for a protected path, its exact name is', () => {
  const change = [entry({ path: '.gitlab-ci.yml' })];

  expect(codes(change, { paths: ['**'] })).toEqual(['protected_path']);
  expect(codes(change, { paths: ['.gitlab-ci.yml'] })).toEqual([]);
});

test('what the repository protects beside the standard list is protected as well', () => {
  expect(codes([entry({ path: 'ci/build.yml' })], { protectedPaths: ['ci/**'] })).toEqual([
    'protected_path',
  ]);
});

test('what ops protect stays protected when the agent names it, which the standard list does not', () => {
  const rules = { paths: ['infra/main.tf', '.gitlab-ci.yml'], protectedPaths: ['infra/**'] };

  expect(codes([entry({ path: 'infra/main.tf' })], rules)).toEqual(['protected_path']);
  expect(codes([entry({ path: '.gitlab-ci.yml' })], rules)).toEqual([]);
});

test('a path outside of what the agent may change is refused, both sides of a rename', () => {
  const rules = { paths: ['src/**'] };

  expect(codes([entry({ path: 'docs/a.md' })], rules)).toEqual(['path_not_allowed']);
  expect(codes([entry({ path: 'src/a.md', oldPath: 'docs/a.md', status: 'R' })], rules)).toEqual([
    'path_not_allowed',
  ]);
});

test.each([
  '/etc/passwd',
  '../x',
  'a/../../x',
  'a//b',
  '.git/config',
  'sub/.GIT/hooks/x',
  'sub/git~1/x',
  '.git./x',
  '.g\u200cit/config',
  'a\\b',
  'a\nb',
  'C:/x',
  'trailing ',
])('the path %j is unsafe', (path) => {
  expect(codes([entry({ path })])).toEqual(['unsafe_path']);
});

test('a new path that is another one in disguise is refused', () => {
  const treePaths = ['src/Button.ts', 'caf\u00e9.md', 'docs/a.md'];
  const added = (path: string): PatchEntry => entry({ path, status: 'A', oldMode: '000000' });

  expect(codes([added('src/button.ts')], { treePaths })).toEqual(['path_collision']);
  expect(codes([added('cafe\u0301.md')], { treePaths })).toEqual(['path_collision']);
  expect(codes([added('Docs/b.md')], { treePaths })).toEqual(['path_collision']);
  expect(codes([added('x.ts'), added('X.ts')], { treePaths })).toEqual(['path_collision']);
  expect(codes([added('docs/b.md')], { treePaths })).toEqual([]);
});

test('renaming a file to another case of its own name is no collision', () => {
  const rename = entry({ path: 'readme.md', oldPath: 'README.md', status: 'R' });

  expect(codes([rename], { treePaths: ['README.md'] })).toEqual([]);
});

test('no spelling of a protected name passes', () => {
  const names = PROTECTED_PATHS.map((glob) => glob.replaceAll('**', 'x'));
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.array(fc.boolean()), (name, upper) => {
      const path = name.replaceAll(/./g, (c, i: number) => (upper[i] ? c.toUpperCase() : c));

      expect(codes([entry({ path })])).toEqual(['protected_path']);
    }),
  );
});

test('folding a path twice changes nothing more', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (path) => {
      expect(foldPath(foldPath(path))).toBe(foldPath(path));
    }),
  );
});
