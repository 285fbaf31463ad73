import { expect, test } from 'vitest';

import { seccompFilter } from './seccomp.ts';

const [ALLOW, KILL, EPERM, ENOSYS] = [0x7fff0000, 0x80000000, 0x00050001, 0x00050026];
const [X64, ARM64] = [0xc000003e, 0xc00000b7];

/** What the kernel answers to a call: the filter run as the kernel runs it, on `struct seccomp_data`. */
function answer(
  machine: string,
  call: { audit: number; number: number; argument?: number },
): number {
  const filter = seccompFilter(machine) ?? Buffer.alloc(0);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number, 0);
  data.writeUInt32LE(call.audit, 4);
  data.writeUInt32LE(call.argument ?? 0, 16);
  let accumulator = 0;
  for (let at = 0; at * 8 < filter.length; at += 1) {
    const code = filter.readUInt16LE(at * 8);
    const value = filter.readUInt32LE(at * 8 + 4);
    const holds = code === 0x15 ? accumulator === value : accumulator >= value;
    if (code === 0x20) {
      accumulator = data.readUInt32LE(value);
    } else if (code === 0x06) {
      return value;
    } else {
      at += filter.readUInt8(at * 8 + (holds ? 2 : 3));
    }
  }
  throw new Error('the filter ended without an answer');
}

test.each([
  { machine: 'x64', audit: X64, socket: 41, socketpair: 53, keyctl: 250 },
  { machine: 'arm64', audit: ARM64, socket: 198, socketpair: 199, keyctl: 219 },
])('on $machine only sockets of known families are made', ({ machine, audit, ...numbers }) => {
  for (const family of [1, 2, 10, 16]) {
    expect(answer(machine, { audit, number: numbers.socket, argument: family })).toBe(ALLOW);
  }
  for (const family of [0, 3, 17, 38, 40, 44]) {
    expect(answer(machine, { audit, number: numbers.socket, argument: family })).toBe(EPERM);
    expect(answer(machine, { audit, number: numbers.socketpair, argument: family })).toBe(EPERM);
  }
  expect(answer(machine, { audit, number: numbers.keyctl })).toBe(EPERM);
  expect(answer(machine, { audit, number: 425 })).toBe(ENOSYS);
  expect(answer(machine, { audit, number: 0 })).toBe(ALLOW);
  expect(answer(machine, { audit: 0x40000003, number: 0 })).toBe(KILL);
});

test('the x32 calls do not exist', () => {
  expect(answer('x64', { audit: X64, number: 0x40000000 + 41, argument: 1 })).toBe(ENOSYS);
});

test('for another machine there is no filter', () => {
  expect(seccompFilter('riscv64')).toBeUndefined();
});
