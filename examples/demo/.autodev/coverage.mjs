/**
 * Preloaded into a test file (`node --import ./.autodev/coverage.mjs test/x.test.js`): notes for every
 * single test what it ran of `src/` and whether it passed. Appends one line of JSON per test to the file
 * `COVERAGE_FILE`: `{ passed, ran: [{ file, ranges: [{ startOffset, endOffset, count }] }] }`.
 */
import { appendFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { relative } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';

const session = new Session();
session.connect();

function ask(method, params) {
  let answer;
  // A session with its own thread answers before `post` returns.
  session.post(method, params, (error, result) => {
    answer = error ? undefined : result;
  });
  return answer;
}

ask('Profiler.enable');
ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** What ran since the last call. */
function takeCoverage() {
  return ask('Profiler.takePreciseCoverage').result.flatMap(({ url, functions }) => {
    const file = url.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : '';
    const ranges = functions.flatMap((fn) => fn.ranges);
    return file.startsWith('src/') ? [{ file, ranges }] : [];
  });
}

// The top level of each module runs once, when it is loaded; every test of the file stands on it.
let loaded;

beforeEach(() => {
  const before = takeCoverage();
  loaded ??= before;
});

afterEach((test) => {
  const line = { passed: test.passed, ran: [...loaded, ...takeCoverage()] };
  appendFileSync(process.env.COVERAGE_FILE, `${JSON.stringify(line)}\n`);
});
