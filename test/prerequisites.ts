import { execa } from 'execa';
import type { TestProject } from 'vitest/node';

import { installDebianPackage, type Run } from './debian-package.ts';

/** Programs of the system that some tests need and npm does not bring. */
interface Available {
  /** It can make a box, as this user, on this kernel. */
  readonly bubblewrap: boolean;
  /** A Redis server can be started (test/redis-server.ts). */
  readonly redis: boolean;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Read by test/boxed.ts and test/redis.ts; what is skipped for want of it has been said once, at the start. */
    available: Available;
  }
}

/**
 * vitest's global set-up: installs what is missing where it may, and says loudly what will be skipped.
 */
// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default async function prepare(project: TestProject): Promise<void> {
  // One after the other: apt has one lock.
  const bubblewrap = await haveBubblewrap();
  project.provide('available', { bubblewrap, redis: await haveRedis() });
  if (!process.env['AUTODEV_CONTRACTS']) {
    warn(
      'what GitLab is asked and answers, held against its own documents',
      'AUTODEV_CONTRACTS is not set.',
      'Set it to the folder that holds gitlab/openapi-needed.json.',
    );
  }
}

async function haveBubblewrap(): Promise<boolean> {
  if ((await run('bwrap', '--version')) !== undefined) {
    const refused = await installDebianPackage({ run, uid: process.getuid?.() }, 'bubblewrap');
    if (refused !== undefined) {
      warn(
        SANDBOX,
        `bubblewrap is not installed (${refused}).`,
        'Install it: apt-get install bubblewrap',
      );
      return false;
    }
  }
  // Not our own probe: a fault in that must fail its tests, not skip them.
  const failed = await run('bwrap', ...SMALLEST_BOX);
  if (failed !== undefined) {
    warn(
      SANDBOX,
      `bubblewrap cannot make a box here (${failed}).`,
      'Allow user namespaces: in a container with its seccomp profile, else with sysctl user.max_user_namespaces.',
    );
  }
  return failed === undefined;
}

async function haveRedis(): Promise<boolean> {
  if ((await run('redis-server', '--version')) === undefined) {
    return true;
  }
  const refused = await installDebianPackage({ run, uid: process.getuid?.() }, 'redis-server');
  if (refused !== undefined) {
    warn(
      'every test of the control bus on Redis',
      `redis-server is not installed (${refused}).`,
      'Install it: apt-get install redis-server',
    );
  }
  return refused === undefined;
}

const SANDBOX = 'every test of the sandbox';

const SMALLEST_BOX =
  '--unshare-all --unshare-user --disable-userns --ro-bind / / --proc /proc /bin/true'.split(' ');

const run: Run = async (file, ...argv) => {
  const { failed, all, shortMessage } = await execa(file, argv, {
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: 180_000,
    env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  });
  return failed ? (all?.trim().split('\n').at(-1) ?? '') || (shortMessage ?? '') : undefined;
};

function warn(what: string, missing: string, remedy: string): void {
  const rule = '!'.repeat(78);
  process.stderr.write(`\n${rule}\n! SKIPPED: ${what}. ${missing}\n! ${remedy}\n${rule}\n\n`);
}
