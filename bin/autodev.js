#!/usr/bin/env node
// Plain JavaScript that any Node from 18 on can run: it finds a Node that runs the source as it is.
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;
const here = path.dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= OLDEST_MAJOR) {
  // Compiled code and stripped types are kept between starts. A folder per user: another's must not be trusted.
  module.enableCompileCache(path.join(tmpdir(), `autodev-compile-cache-${userInfo().uid}`));
  await import('../src/main/autodev.ts');
} else {
  // `npm ci` brings it; beside us, or hoisted to the top of a project that depends on us.
  const node = ['../node_modules/node/bin/node', '../../node/bin/node', '../node_modules/.bin/node']
    .map((candidate) => path.join(here, candidate))
    .find((candidate) => existsSync(candidate));

  if (node === undefined) {
    process.stderr.write(
      `error: Auto-Dev needs Node ${OLDEST_MAJOR} or newer, this is ${process.version}\n` +
        '  run `npm ci`, which brings one for this project, or install it from https://nodejs.org\n',
    );
    process.exitCode = 1;
  } else {
    await restart(node);
  }
}

/** @param {string} node */
async function restart(node) {
  // Only here: a start that needs no other Node should not load it.
  const { spawn } = await import('node:child_process');
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // A terminal signals the whole group, so the child has Ctrl-C already; what is sent to us alone is passed on.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`error: ${node} does not start: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1;
    } else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
