/** Running the project's tests: the whole suite with its results, or one file for its verdict. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const SUITE_TIMEOUT_MS = 60_000;

/** Runs `node --test` and returns what our reporter said about each test. */
export async function runSuite() {
  const lines = await run(['--test', '--test-reporter=./.autodev/reporter.mjs'], {
    timeout: SUITE_TIMEOUT_MS,
  });
  const tests = lines.stdout
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  return {
    tests,
    failures: tests.filter((test) => !test.passed),
    files: [...new Set(tests.map((test) => test.file))].sort(),
  };
}

/** True when every test of the file passes. A file that never ends counts as failed. */
export async function filePasses(file, { cwd, timeout }) {
  const { code } = await run([file], { cwd, timeout });
  return code === 0;
}

/** Runs node and waits for its end; `code` is null when the time was up. */
export async function run(args, { cwd = process.cwd(), env = {}, timeout }) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    // A group of its own: `node --test` starts processes that must end with it.
    detached: true,
  });
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), timeout);
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  clearTimeout(timer);
  return { code, stdout };
}
