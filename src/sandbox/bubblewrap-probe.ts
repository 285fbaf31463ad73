import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';

import { AppError } from '../kernel/errors.ts';
import type { BoxSpec, Sandbox, SandboxState } from './sandbox.ts';

const MIB = 1024 * 1024;

/** Prints what a box must not have: network routes, a second user namespace, a writable root. */
const LOOK_AROUND = `
tail -n +2 /proc/net/route | grep . && echo 'has a network route'
unshare -Ur true 2>/dev/null && echo 'can make a user namespace'
(echo x > /usr/planted) 2>/dev/null && echo 'can write to /usr'
node -e 0 || echo 'cannot run node'
exit 0`;

/** Kernel switches that forbid what bubblewrap needs, with what lifts each. */
const SWITCHES = [
  {
    file: 'kernel/unprivileged_userns_clone',
    forbids: '0',
    lift: 'kernel.unprivileged_userns_clone=1',
  },
  { file: 'user/max_user_namespaces', forbids: '0', lift: 'user.max_user_namespaces=15000' },
  {
    file: 'kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    lift: 'kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

/** Makes a real box, runs the true command in it and looks for what must not be there. */
export async function probeBubblewrap(
  sandbox: Pick<Sandbox, 'run'>,
  bwrap: string,
): Promise<SandboxState> {
  if (process.platform !== 'linux') {
    return {
      available: false,
      reason: `bubblewrap does not exist for ${process.platform}`,
      remedy: 'Run Auto-Dev on Linux, for example in its container image.',
    };
  }
  try {
    await access(bwrap, constants.X_OK);
  } catch {
    return {
      available: false,
      reason: `${bwrap} is not installed`,
      remedy:
        'Install the package bubblewrap (apt-get install bubblewrap, dnf install bubblewrap, apk add bubblewrap).',
    };
  }
  const failed =
    (await lookFrom(sandbox, { file: '/bin/true', argv: [] })) ??
    (await lookFrom(sandbox, { file: '/bin/sh', argv: ['-c', LOOK_AROUND] }));
  return failed === undefined
    ? { available: true, kind: 'bubblewrap' }
    : { available: false, reason: failed, remedy: await remedyFor(failed) };
}

/** Undefined when the command ended well and printed nothing. */
async function lookFrom(
  sandbox: Pick<Sandbox, 'run'>,
  command: { file: string; argv: string[] },
): Promise<string | undefined> {
  const printed: string[] = [];
  try {
    const running = await sandbox.run(probeBox, command, ({ text }) => printed.push(text));
    const end = await running.ended;
    if (end.reason === 'sandbox') {
      return `a box could not be made: ${end.message}`;
    }
    if (end.reason === 'exited' && end.code === 0) {
      return printed.length === 0 ? undefined : `the box is not tight: ${printed.join('; ')}`;
    }
    return `the probe ended with ${JSON.stringify(end)}: ${printed.join('; ')}`;
  } catch (error) {
    if (error instanceof AppError) {
      return `${error.message}. ${error.remedy ?? ''}`;
    }
    throw error;
  }
}

async function remedyFor(reason: string): Promise<string> {
  if (reason.includes('Unknown option')) {
    return 'Install bubblewrap 0.8 or newer.';
  }
  for (const { file, forbids, lift } of SWITCHES) {
    const value = await readFile(`/proc/sys/${file}`, 'utf8').catch(() => undefined);
    if (value?.trim() === forbids) {
      return `User namespaces are switched off: sysctl -w ${lift} (and in /etc/sysctl.d to keep it).`;
    }
  }
  return 'In a container, allow user namespaces (seccomp profile, no forced AppArmor profile) and make every folder above the data folder traversable (chmod o+x).';
}

const probeBox: BoxSpec = {
  binds: [],
  sockets: [],
  env: {},
  cwd: '/tmp',
  home: '/tmp',
  hostUidSlot: 0,
  limits: {
    memoryBytes: 256 * MIB,
    processes: 64,
    fileBytes: MIB,
    tmpBytes: MIB,
    outputBytes: MIB,
    diskBytes: 16 * MIB,
    wallMs: 10_000,
    idleMs: 10_000,
  },
};
