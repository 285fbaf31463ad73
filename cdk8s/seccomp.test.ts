import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { at, listAt } from './checks/look.ts';

const profile: unknown = JSON.parse(
  await readFile(path.join(import.meta.dirname, 'seccomp/worker.json'), 'utf8'),
);
const rules = listAt(profile, 'syscalls');
const allowed = new Set(rules.flatMap((rule) => listAt(rule, 'names').map(String)));

/** The kernel's own doors: keys, modules, tracing, clocks, and what other filters know nothing of. */
const NEVER =
  'acct add_key bpf delete_module finit_module init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind move_pages name_to_handle_at open_by_handle_at perf_event_open process_vm_readv process_vm_writev ptrace quotactl reboot request_key set_mempolicy setns settimeofday swapoff swapon syslog userfaultfd vhangup'.split(
    ' ',
  );
/** What bubblewrap makes a box of. */
const BOX = 'clone unshare mount umount2 pivot_root chdir prctl capset setresuid seccomp'.split(
  ' ',
);

test('what the profile does not name is refused, and it names nothing of the kernel', () => {
  expect(at(profile, 'defaultAction')).toBe('SCMP_ACT_ERRNO');
  expect(NEVER.filter((name) => allowed.has(name))).toEqual([]);
});

test('it lets bubblewrap make a box', () => {
  expect(BOX.filter((name) => !allowed.has(name))).toEqual([]);
});

test('sockets of the machine beneath are refused: no namespace keeps them in', () => {
  const AF_VSOCK = 40;
  const sockets = rules.filter((rule) => listAt(rule, 'names').includes('socket'));

  expect(sockets.map((rule) => listAt(rule, 'args'))).toEqual([
    [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }],
  ]);
});

test('no call stands in it twice without a condition', () => {
  const plain = rules
    .filter((rule) => listAt(rule, 'args').length === 0)
    .flatMap((rule) => listAt(rule, 'names').map(String));

  expect(plain).toHaveLength(new Set(plain).size);
});
