/**
 * A reporter for node's test runner (`node --test-reporter=./.autodev/reporter.mjs test/x.test.js`): one line
 * of JSON per test, `{ name, line, passed, message, frames }`; `frames` are the places in `src/` of the error's stack.
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export default async function* reporter(events) {
  const path = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      path.length = data.nesting;
      path.push(data.name);
    }
    // A suite fails because a test in it does, and that test has its own line.
    const isTest = data.details?.type !== 'suite';
    if (isTest && (type === 'test:pass' || type === 'test:fail')) {
      const error = data.details.error?.cause ?? data.details.error;
      yield `${JSON.stringify({
        name: oneLine([...path.slice(0, data.nesting), data.name].join(' > ')),
        line: data.line ?? 1,
        passed: type === 'test:pass',
        message: String(error?.message ?? error ?? '')
          .trim()
          .slice(0, 2_000),
        frames: framesIn('src/', error?.stack),
      })}\n`;
    }
  }
}

/** A name becomes part of a title, which is one line of at most 255 characters. */
function oneLine(name) {
  return name.replace(/\s+/g, ' ').slice(0, 200);
}

function framesIn(folder, stack = '') {
  return [...String(stack).matchAll(/(file:\/\/[^\s)]+?):(\d+):\d+/g)]
    .map(([, url, line]) => `${relative(process.cwd(), fileURLToPath(url))}:${line}`)
    .filter((frame) => frame.startsWith(folder));
}
