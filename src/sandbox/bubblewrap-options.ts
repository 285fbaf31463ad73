import { lstatSync, readlinkSync } from 'node:fs';

import type { BoxSpec, Command } from './sandbox.ts';
import { NODE_INSIDE, PROGRAMS_INSIDE, type Toolbox } from './toolbox.ts';

const PATH_INSIDE = '/opt/autodev/bin:/usr/local/bin:/usr/bin:/bin';
const SHM_BYTES = 64 * 1024 * 1024;
const RUN_BYTES = 1024 * 1024;
const PROCESS_HEADROOM = 64;

/**
 * The options of one box, to be handed to bubblewrap on a descriptor. None of it may be in argv, which is readable
 * inside as `/proc/1/cmdline` and would show host paths and tokens.
 */
export function bubblewrapOptions(box: BoxSpec, { etc, node, programs }: Toolbox): string[] {
  return [
    ['--unshare-all', '--unshare-user', '--disable-userns', '--uid', '1000', '--gid', '1000'],
    ['--cap-drop', 'ALL', '--die-with-parent', '--new-session', '--hostname', 'worker'],
    ['--clearenv'],
    // A root made of pieces: with `--ro-bind / /` no new mount point can be made, and too much is seen.
    ['--ro-bind', '/usr', '/usr', ...mergedUsr()],
    ['--ro-bind', etc, '/etc', '--ro-bind-try', '/etc/ssl', '/etc/ssl'],
    ['--ro-bind-try', '/etc/pki', '/etc/pki'],
    // Debian's awk, editor and others are links into it.
    ['--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ['--proc', '/proc', '--dev', '/dev'],
    // bubblewrap's own /dev is a writable file system without a bound.
    ['--size', String(SHM_BYTES), '--perms', '1777', '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
    ['--size', String(box.limits.tmpBytes), '--perms', '1777', '--tmpfs', '/tmp'],
    ['--size', String(RUN_BYTES), '--tmpfs', '/run'],
    ['--ro-bind', node, NODE_INSIDE, '--ro-bind', programs, PROGRAMS_INSIDE],
    ...box.binds.map(({ host, at, writable }) => [writable ? '--bind' : '--ro-bind', host, at]),
    // Read-only still allows to connect.
    ...box.sockets.map(({ host, at }) => ['--ro-bind', host, at]),
    ['--remount-ro', '/run', '--remount-ro', '/', '--chdir', box.cwd],
    ...Object.entries({ ...baseEnvironment(PATH_INSIDE, box.home), ...box.env }).map(
      ([name, value]) => ['--setenv', name, value],
    ),
  ].flat();
}

/**
 * What stands in bubblewrap's argv after `--`. The number of processes is limited inside, where the kernel counts
 * only the box (since 5.14): outside, an ordinary user's limit would count all that this user runs. It lies above
 * the limit that the watchdog names, or a fork bomb would stay just below it for ever.
 */
export function limitedCommand({ limits }: BoxSpec, { file, argv }: Command): string[] {
  const processes = limits.processes + PROCESS_HEADROOM;
  return [
    '/usr/bin/prlimit',
    '--core=0:0',
    `--nproc=${processes}:${processes}`,
    `--fsize=${limits.fileBytes}:${limits.fileBytes}`,
    '--',
    file,
    ...argv,
  ];
}

export function baseEnvironment(path: string, home: string): Record<string, string> {
  return { PATH: path, HOME: home, LANG: 'C.UTF-8', TZ: 'UTC', TERM: 'dumb' };
}

/** `/bin` and its siblings as the host has them: links into /usr, or folders of their own. */
function mergedUsr(): string[] {
  return ['bin', 'sbin', 'lib', 'lib64', 'lib32'].flatMap((name) => {
    const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (found === undefined) {
      return [];
    }
    return found.isSymbolicLink()
      ? ['--symlink', readlinkSync(`/${name}`), `/${name}`]
      : ['--ro-bind', `/${name}`, `/${name}`];
  });
}
