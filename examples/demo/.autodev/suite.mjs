/** Running the project's tests: all of them with their results, or one file for its verdict. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { text } from 'node:stream/consumers';

/** Far more than a file needs, even on a busy machine: a test that loops for ever must end some day. */
const FILE_TIMEOUT_MS = 8_000;

/** Runs every test file and returns what our reporter said about each test: `{ tests, failures, files }`. */
export async function runSuite() {
  const files = globSync('test/**/*.test.js').sort();
  const tests = (await Promise.all(files.map(runFile))).flat();
  return { tests, failures: tests.filter((test) => !test.passed), files };
}

async function runFile(file) {
  const { code, stdout, stderr } = await run(['--test-reporter=./.autodev/reporter.mjs', file]);
  const tests = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => ({ file, ...JSON.parse(line) }));
  if (code === 0 || tests.some((test) => !test.passed)) {
    return tests;
  }
  // It hangs, or broke while it was loaded: no test of it could say so.
  const message =
    code === null
      ? `it did not end within ${FILE_TIMEOUT_MS / 1000} s`
      : (/^\w*Error\b.*/m.exec(stderr)?.[0] ?? `it ended with code ${code}`);
  return [...tests, { name: file, file, line: 1, passed: false, message, frames: [] }];
}

/** Whether every test of the file passes: `passed`, `failed`, or `late` when it did not end in time. */
export async function verdictOn(file, { cwd, timeout }) {
  const { code } = await run([file], { cwd, timeout });
  return code === null ? 'late' : code === 0 ? 'passed' : 'failed';
}

/** Runs node and waits for its end; `code` is null when the time was up. */
export async function run(args, { cwd = process.cwd(), env = {}, timeout = FILE_TIMEOUT_MS } = {}) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, stdout, stderr };
}
