import { expect, test } from 'vitest';

import { formatDiagnostics } from './formats.ts';
import { loadConfig } from './load.ts';

const BROKEN = 'version: 1\nagents: [pm]\nmode: dry_run\nmerge: automatic\n';

async function diagnose(text: string) {
  const { diagnostics } = await loadConfig(text, { readFile: async () => undefined });
  return diagnostics;
}

function codeQuality(diagnostics: Awaited<ReturnType<typeof diagnose>>) {
  const report = formatDiagnostics(diagnostics, { format: 'gitlab-codequality', file: 'a.yaml' });
  const issues: unknown = JSON.parse(report);
  return {
    fingerprints: [...report.matchAll(/"fingerprint": "(\w+)"/g)].map(([, hash]) => hash),
    issues,
  };
}

test('text names file, line, column, code and path, what to do, and the corrected line', async () => {
  const text = formatDiagnostics(await diagnose(BROKEN), { format: 'text', file: 'autodev.yaml' });

  expect(text).toBe(
    [
      'autodev.yaml:3:7: error[unknown_value] mode: `dry_run` is none of live, staged.',
      '    Did you mean `staged`?',
      '    3 | mode: staged',
      'autodev.yaml:4:8: error[unknown_value] merge: `automatic` is none of human, auto.',
      '    Did you mean `auto`?',
      '    4 | merge: auto',
      '',
    ].join('\n'),
  );
});

test('JSON holds every field', async () => {
  const json: unknown = JSON.parse(
    formatDiagnostics(await diagnose(BROKEN), { format: 'json', file: 'a.yaml' }),
  );

  expect(json).toMatchObject([
    { file: 'a.yaml', severity: 'error', code: 'unknown_value', path: 'mode', line: 3, column: 7 },
    { path: 'merge' },
  ]);
});

test('fingerprints stay when lines move and differ between findings', async () => {
  const before = codeQuality(await diagnose(BROKEN));

  const after = codeQuality(await diagnose(`# moved\n\n${BROKEN}`));

  expect(after.fingerprints).toEqual(before.fingerprints);
  expect(after.issues).toMatchObject([
    { check_name: 'unknown_value', severity: 'major', location: { lines: { begin: 5 } } },
    { location: { path: 'a.yaml', lines: { begin: 6 } } },
  ]);
  expect(new Set(before.fingerprints).size).toBe(2);
});

test('no findings are an empty report, not an empty file', () => {
  expect(formatDiagnostics([], { format: 'gitlab-codequality', file: 'a' })).toBe('[]\n');
});
