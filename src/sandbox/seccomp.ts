/** The machines for which a filter can be written; numbers from the kernel's syscall tables and `linux/audit.h`. */
const MACHINES = {
  x64: {
    audit: 0xc000003e,
    socket: 41,
    socketpair: 53,
    refused: [
      250, 248, 249 /* keyctl, add_key, request_key */, 321 /* bpf */, 298 /* perf_event_open */,
      323 /* userfaultfd */,
    ],
    absent: [425, 426, 427 /* io_uring */],
  },
  arm64: {
    audit: 0xc00000b7,
    socket: 198,
    socketpair: 199,
    refused: [219, 217, 218, 280, 241, 282],
    absent: [425, 426, 427],
  },
} as const;

/** UNIX, INET, INET6 and NETLINK: what a network namespace covers. AF_VSOCK (40) it does not, nor AF_ALG and others. */
const SOCKET_FAMILIES = [1, 2, 10, 16];

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const REFUSE = 0x00050001; // SECCOMP_RET_ERRNO | EPERM
const NOT_THERE = 0x00050026; // SECCOMP_RET_ERRNO | ENOSYS
const X32_BIT = 0x40000000;

const OFFSET_NUMBER = 0;
const OFFSET_MACHINE = 4;
const OFFSET_FIRST_ARGUMENT = 16; // its low half on both machines, which are little-endian

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * A seccomp filter in the kernel's binary form (`struct sock_filter`, 8 bytes each), for `bwrap --seccomp`.
 * Refused with EPERM: sockets beyond {@link SOCKET_FAMILIES}, kernel keyrings, bpf, perf events, userfaultfd.
 * Answered with ENOSYS: io_uring, which would make sockets past any filter, and the x32 calls, which have other
 * numbers. Another machine's calls (32-bit ones) end the process. Undefined where we know no numbers.
 */
export function seccompFilter(machine: string): Buffer | undefined {
  if (machine !== 'x64' && machine !== 'arm64') {
    return undefined;
  }
  const { audit, socket, socketpair, refused, absent } = MACHINES[machine];
  const program: Instruction[] = [
    [LOAD, 0, 0, OFFSET_MACHINE],
    [JUMP_EQUAL, 1, 0, audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, OFFSET_NUMBER],
    ...(machine === 'x64' ? answerWhen(JUMP_AT_LEAST, X32_BIT, NOT_THERE) : []),
    ...absent.flatMap((number) => answerWhen(JUMP_EQUAL, number, NOT_THERE)),
    ...refused.flatMap((number) => answerWhen(JUMP_EQUAL, number, REFUSE)),
    [JUMP_EQUAL, 2, 0, socket],
    [JUMP_EQUAL, 1, 0, socketpair],
    [RETURN, 0, 0, ALLOW],
    [LOAD, 0, 0, OFFSET_FIRST_ARGUMENT],
    ...SOCKET_FAMILIES.flatMap((family) => answerWhen(JUMP_EQUAL, family, ALLOW)),
    [RETURN, 0, 0, REFUSE],
  ];
  return Buffer.concat(program.map(encode));
}

function answerWhen(test: number, value: number, answer: number): Instruction[] {
  return [
    [test, 0, 1, value],
    [RETURN, 0, 0, answer],
  ];
}

function encode([code, ifTrue, ifFalse, value]: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
