/**
 * Spectrum-based fault localization: code that failing tests run and passing tests do not is suspect.
 * The score is Ochiai's: failed / sqrt(all failed × (failed + passed)), from 0 to 1.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { mutationsOf } from './mutations.mjs';
import { run } from './suite.mjs';

/** What each test ran: `[{ testFile, passed, ran }]`, one entry per test. */
export async function measure(testFiles) {
  const folder = await mkdtemp(join(tmpdir(), 'coverage-'));
  try {
    const perFile = await Promise.all(
      testFiles.map(async (testFile, i) => {
        const report = join(folder, `${i}.jsonl`);
        const { code } = await run(['--import', './.autodev/coverage.mjs', testFile], {
          env: { COVERAGE_FILE: report },
        });
        const tests = readLines(report).map((test) => ({ testFile, ...test }));
        if (code === 0 || tests.some((test) => !test.passed)) {
          return tests;
        }
        // It hangs or does not load. Then all that it imports is suspect, what no passing test runs most.
        return [...tests, { testFile, passed: false, ran: allOf(importsOf(testFile)) }];
      }),
    );
    return perFile.flat();
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Every mutation of code that a failing test ran, most suspicious first: `{ file, start, end, text, score }`. */
export function rankCandidates(tests) {
  const failed = tests.filter((test) => !test.passed);
  const files = new Set(failed.flatMap((test) => test.ran.map(({ file }) => file)));
  return [...files]
    .sort()
    .flatMap((file) => {
      const scoreAt = scorer(tests, file);
      return mutationsOf(readFileSync(file, 'utf8')).map((mutation) => {
        // Between places that are equally suspect, the likelier mistake goes first.
        const score = scoreAt(mutation.start) * (1.1 - mutation.cost / 10);
        return { file, ...mutation, score };
      });
    })
    .filter((candidate) => candidate.score > 0)
    .sort((a, b) => b.score - a.score || sizeOf(a) - sizeOf(b));
}

function scorer(tests, file) {
  const failures = tests.filter((test) => !test.passed);
  // Two bugs at once hide each other in one sum: each failing test file is also looked at alone.
  const groups = [...new Set(failures.map((test) => test.testFile))].map((testFile) =>
    failures.filter((test) => test.testFile === testFile),
  );
  const memo = new Map();
  return (offset) => {
    if (!memo.has(offset)) {
      const runsIt = (test) => countAt(test.ran, file, offset) > 0;
      const passing = tests.filter((test) => test.passed && runsIt(test)).length;
      const scores = [failures, ...groups].map((group) => {
        const failing = group.filter(runsIt).length;
        return failing === 0 ? 0 : failing / Math.sqrt(group.length * (failing + passing));
      });
      memo.set(offset, Math.max(...scores));
    }
    return memo.get(offset);
  };
}

/** How often the code at `offset` ran. The innermost range that holds it knows. */
function countAt(ran, file, offset) {
  let inner = { count: 0, length: Infinity };
  for (const coverage of ran) {
    for (const { startOffset, endOffset, count } of coverage.file === file ? coverage.ranges : []) {
      const length = endOffset - startOffset;
      if (startOffset <= offset && offset < endOffset && length <= inner.length) {
        inner = { count, length };
      }
    }
  }
  return inner.count;
}

function sizeOf({ start, end, text }) {
  return Math.max(end - start, text.length);
}

/** The modules of src/ that a test file names. */
function importsOf(testFile) {
  const source = readFileSync(testFile, 'utf8');
  return [...source.matchAll(/from '(\.[^']+)'/g)]
    .map(([, path]) => join(dirname(testFile), path))
    .filter((path) => path.startsWith('src/') && existsSync(path));
}

function allOf(files) {
  const everything = { startOffset: 0, endOffset: Infinity, count: 1 };
  return files.map((file) => ({ file, ranges: [everything] }));
}

/** A test file that broke while it was loaded has run no test and written nothing. */
function readLines(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  return lines.map((line) => JSON.parse(line));
}
