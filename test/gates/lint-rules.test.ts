import { expect, test } from 'vitest';

import { lint } from './lint.ts';

test('import cycles and default exports are refused', async () => {
  const findings = await lint({
    'src/runner/hen.ts': "import { egg } from './egg.ts';\nexport const hen = () => egg;\n",
    'src/runner/egg.ts': "import { hen } from './hen.ts';\nexport const egg = () => hen;\n",
    'src/runner/main.ts': 'export default function main(): void {}\n',
  });

  expect(findings).toContainEqual(found('src/runner/hen.ts', 1, 'no-cycle'));
  expect(findings).toContainEqual(found('src/runner/egg.ts', 1, 'no-cycle'));
  expect(findings).toContainEqual(found('src/runner/main.ts', 1, 'no-default-export'));
});

test('rules that need types work: lost promises, forgotten cases, any', async () => {
  const findings = await lint({
    'src/runner/typed.ts': [
      'const work = (): Promise<void> => Promise.resolve();',
      'work();',
      "export function color(light: 'red' | 'green'): string {",
      '  switch (light) {',
      "    case 'red':",
      "      return 'stop';",
      '  }',
      '}',
      'export const anything: any = 1;',
    ].join('\n'),
  });

  expect(findings).toContainEqual(found('src/runner/typed.ts', 2, 'no-floating-promises'));
  expect(findings).toContainEqual(found('src/runner/typed.ts', 4, 'switch-exhaustiveness-check'));
  expect(findings).toContainEqual(found('src/runner/typed.ts', 9, 'no-explicit-any'));
});

test('the environment is read in settings and by the composition roots only', async () => {
  const reading = [
    'export const a = process.env.HOME;',
    "export const b = process['env'];",
    'export const { env } = process;',
  ].join('\n');

  const findings = await lint({
    'src/runner/reads.ts': reading,
    'src/config/other.ts': reading,
    'src/config/settings.ts': reading,
    'src/main/up.ts': reading,
    'src/runner/some.test.ts': reading,
  });

  const refused = findings.filter(({ rule }) => rule === 'no-process-env').map(({ file }) => file);
  expect(new Set(refused)).toEqual(new Set(['src/runner/reads.ts', 'src/config/other.ts']));
});

test('time is taken from the clock only', async () => {
  const reading = [
    'export const a = Date.now();',
    'setTimeout(() => {}, 1);',
    'globalThis.setInterval(() => {}, 1);',
    'export const b = performance.now();',
    'export const fine = new Date(0);',
  ].join('\n');

  const findings = await lint({
    'src/runner/reads.ts': reading,
    'src/kernel/clock.ts': reading,
    'src/main/up.ts': reading,
    'src/dashboard/ui/page.ts': reading,
  });

  const refused = findings
    .filter(({ rule }) => rule.startsWith('no-restricted-'))
    .map(({ file, line }) => `${file}:${line}`);
  expect(refused.toSorted()).toEqual([1, 2, 3, 4].map((line) => `src/runner/reads.ts:${line}`));
});

test('tests that stand in for the real thing, or are left out, are refused', async () => {
  const findings = await lint({
    'src/runner/some.test.ts': [
      "import { describe, expect, test, vi } from 'vitest';",
      "vi.mock('./real.ts');",
      'const double = vi.fn(() => 1);',
      "vi.spyOn(console, 'log');",
      'vi.useFakeTimers();',
      "test.only('alone', () => { expect(double()).toBe(1); });",
      "test.skip('left out', () => { expect(1).toBe(1); });",
      "describe.skip('all left out', () => { test('a', () => { expect(1).toBe(1); }); });",
      "test.skipIf(process.platform === 'win32')('where it can run', () => { expect(1).toBe(1); });",
    ].join('\n'),
  });

  const refused = findings.map(({ line, rule }) => `${line} ${rule}`);
  expect(refused).toEqual(
    expect.arrayContaining([
      '2 no-restricted-vi-methods',
      '3 no-restricted-vi-methods',
      '4 no-restricted-vi-methods',
      '5 no-restricted-vi-methods',
      '6 no-focused-tests',
      '7 no-disabled-tests',
      '8 no-disabled-tests',
    ]),
  );
  expect(refused.filter((line) => line.startsWith('9 '))).toEqual([]);
});

function found(file: string, line: number, rule: string): unknown {
  return expect.objectContaining({ file, line, rule });
}
