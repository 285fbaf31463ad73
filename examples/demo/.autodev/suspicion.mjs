/**
 * Spectrum-based fault localization: code that failing tests run and passing tests do not is suspect.
 * The score is Ochiai's: failed / sqrt(all failed × (failed + passed)), from 0 to 1.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { mutationsOf } from './mutations.mjs';
import { run } from './suite.mjs';

const TEST_FILE_TIMEOUT_MS = 15_000;

/** What each test ran: `[{ testFile, passed, ran }]`, one entry per test. */
export async function measure(testFiles) {
  const folder = await mkdtemp(join(tmpdir(), 'coverage-'));
  try {
    const perFile = await Promise.all(
      testFiles.map(async (testFile, i) => {
        const report = join(folder, `${i}.jsonl`);
        await run(['--import', './.autodev/coverage.mjs', testFile], {
          env: { COVERAGE_FILE: report },
          timeout: TEST_FILE_TIMEOUT_MS,
        });
        return readLines(report).map((test) => ({ testFile, ...test }));
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

function readLines(file) {
  try {
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  } catch {
    // A test file that broke while it was loaded has run no test and written nothing.
    return [];
  }
}
