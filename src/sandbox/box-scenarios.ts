// A program of the tests: `node box-scenarios.ts NAME` runs one scenario as whoever started it and prints what was
// seen as JSON. A process of its own, because descriptors, uid and environment belong to the process.
import { writeSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '../kernel/clock.ts';
import { openBoxFixture, runBoxed, shell } from './box-fixture.ts';
import { bubblewrapSandbox } from './bubblewrap.ts';
import { closeInheritedDescriptors, inheritableDescriptors } from './descriptors.ts';
import { descendants, isRunning, type ProcessId, readProcess } from './process-tree.ts';
import type { BoxLimits, OutputLine, WorkerEnd } from './sandbox.ts';

const LOOPS_FOR_EVER = 'while :; do sleep 0.05; done';
const SOCKET_PROBE = String.raw`
  use Socket;
  for my $family (1, 2, 10, 40, 38) {
    print "family $family ", (socket(my $s, $family, 1, 0) ? "open" : "refused: $!"), "\n";
  }
  print "keyctl ", syscall(${process.arch === 'x64' ? 250 : 219}, 0, -3, 0), " $!\n";
  print "io_uring ", syscall(425, 1, 0), " $!\n";
  print "x32 ", syscall(0x40000000 + 39), " $!\n";
`;

/** What scenarios report; each fills in its part. */
export interface Seen {
  readonly end: WorkerEnd;
  readonly out: string;
  readonly lines: readonly OutputLine[];
  readonly closed: readonly number[];
  readonly still: readonly number[];
  readonly folder: string;
  /** Host uid of what the worker wrote. */
  readonly workerUid: number;
  readonly ends: Record<'noCommand' | 'noBind' | 'signal' | 'unread', WorkerEnd>;
  readonly left: readonly ProcessId[];
  readonly processes: number;
  readonly alive: number;
  /** Entries that are left in the process table. */
  readonly zombies: number;
  readonly grownBytes: number;
  readonly longestLine: number;
}

const scenarios: Record<string, () => Promise<Partial<Seen>>> = {
  look: async () => {
    const closed = closeInheritedDescriptors();
    await using fixture = await openBoxFixture();
    const { out, end } = await runBoxed(
      fixture,
      fixture.box({ env: { TOKEN_INSIDE: 'given' } }),
      shell(`
        echo "own $(ls /proc/self/fd | tr '\\n' ' ')"; echo "first $(ls /proc/1/fd | tr '\\n' ' ')"
        cat /proc/self/fd/200 2>&1
        cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'
        unshare -Ur true 2>/dev/null || echo no-user-namespace
        (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null || echo no-loopback-of-ours
        (exec 3<>/dev/tcp/169.254.169.254/80) 2>/dev/null || echo no-metadata
        echo "routes $(tail -n +2 /proc/net/route | wc -l)"
        for place in / /etc /usr /opt /run /dev /proc/sys/kernel; do
          (echo x > $place/planted) 2>/dev/null && echo "writable $place"
        done
        for place in /tmp /dev/shm /workspace /home/worker; do echo x > $place/planted || echo "read-only $place"; done
        ls -d /root /var /sys /work 2>/dev/null
        grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
        echo "core $(ulimit -c) id $(id -u)"; exit 7`),
    );
    const { uid } = await stat(join(fixture.workspace, 'planted'));
    const still = inheritableDescriptors();
    return { closed, still, out, end, folder: fixture.folder, workerUid: uid };
  },

  seccomp: async () => {
    await using fixture = await openBoxFixture();
    return await runBoxed(fixture, fixture.box(), { file: 'perl', argv: ['-e', SOCKET_PROBE] });
  },

  failures: async () => {
    await using fixture = await openBoxFixture();
    const missing = [{ host: join(fixture.folder, 'absent'), at: '/absent', writable: false }];
    return {
      ends: {
        noCommand: (await runBoxed(fixture, fixture.box(), { file: 'no-such-program', argv: [] }))
          .end,
        noBind: (await runBoxed(fixture, fixture.box({ binds: missing }), shell('true'))).end,
        signal: (await runBoxed(fixture, fixture.box(), shell('kill -KILL $$'))).end,
        unread: (
          await runBoxed(fixture, fixture.box(), {
            ...shell('exit 3'),
            stdin: 'x'.repeat(4_000_000),
          })
        ).end,
      },
      out: (await runBoxed(fixture, fixture.box(), { ...shell('cat'), stdin: 'hello' })).out,
    };
  },

  leftovers: async () => {
    await using fixture = await openBoxFixture();
    return await runBoxed(
      fixture,
      fixture.box(),
      shell(`setsid -f bash -c "${LOOPS_FOR_EVER}"; (nohup sleep 1000 &); exit 0`),
    );
  },

  /** Reports its box's processes and dies without a word to them, as by `kill -9`. */
  suddenDeath: async () => {
    const fixture = await openBoxFixture();
    const ready = Promise.withResolvers<void>();
    const sandbox = bubblewrapSandbox({ clock: systemClock, toolbox: fixture.toolbox });
    const script = `setsid -f bash -c "${LOOPS_FOR_EVER}"; echo ready; ${LOOPS_FOR_EVER}`;
    const running = await sandbox.run(fixture.box(), shell(script), () => ready.resolve());
    await ready.promise;
    const left = [{ pid: running.pid, startTime: running.startTime }, ...descendants(running.pid)];
    await fixture[Symbol.asyncDispose]();
    writeSync(1, JSON.stringify({ left }));
    process.kill(process.pid, 'SIGKILL');
    return {};
  },

  politeStop: () => stopped(`trap 'echo bye; exit 0' TERM; echo ready; ${LOOPS_FOR_EVER}`),

  stubbornStop: () =>
    stopped(
      `
      setsid bash -c "trap '' TERM INT HUP; ${LOOPS_FOR_EVER}" &
      setsid -f bash -c "setsid -f sleep 1000; ${LOOPS_FOR_EVER}"
      trap '' TERM INT HUP; nohup sleep 1000 & echo ready; ${LOOPS_FOR_EVER}`,
      6,
    ),

  timeout_wall: () => limited({ wallMs: 1200 }, `while :; do echo tick; sleep 0.1; done`),
  timeout_idle: () => limited({ idleMs: 1200 }, `echo one; ${LOOPS_FOR_EVER}`),
  limit_memory: () =>
    limited(
      { memoryBytes: 150_000_000 },
      `node -e 'const held = []; setInterval(() => held.push(Buffer.alloc(20e6, 1)), 20)'`,
    ),
  /** Many processes that share one large piece of memory use it once. */
  sharedMemory: async () => {
    await using fixture = await openBoxFixture();
    const script = `perl -e 'my $held = "x" x 100_000_000; for (1 .. 5) { if (!fork) { sleep 2; exit } } wait for 1 .. 5'`;
    return await runBoxed(fixture, fixture.box({}, { memoryBytes: 300_000_000 }), shell(script));
  },
  limit_processes: () =>
    limited({ processes: 30 }, `while :; do sleep 1000 & done 2>/dev/null; sleep 1000`),
  limit_disk: () =>
    limited({ diskBytes: 20_000_000 }, `head -c 30000000 /dev/zero > big; ${LOOPS_FOR_EVER}`),
  limit_disk_tmp: () =>
    limited({ diskBytes: 20_000_000 }, `head -c 30000000 /dev/zero > /tmp/big; ${LOOPS_FOR_EVER}`),
  limit_output: () => limited({ outputBytes: 100_000_000 }, `tr '\\0' x < /dev/zero`),

  fileAndTmpSize: async () => {
    await using fixture = await openBoxFixture();
    const box = fixture.box({}, { fileBytes: 1_000_000, tmpBytes: 1_048_576 });
    return await runBoxed(
      fixture,
      box,
      shell(`
        trap '' XFSZ
        head -c 5000000 /dev/zero > big; stat -c 'file %s' big
        for n in 1 2 3 4; do head -c 900000 /dev/zero > /tmp/$n; done; echo "tmp $(du -sk /tmp | cut -f1)"`),
    );
  },

  environmentOfOurs: async () => {
    await using fixture = await openBoxFixture();
    await writeFile(join(fixture.folder, 'secret'), 'host-secret');
    return await runBoxed(fixture, fixture.box(), shell(`cat ${fixture.folder}/secret; ls /tmp`));
  },
};

async function limited(limits: Partial<BoxLimits>, script: string): Promise<Partial<Seen>> {
  await using fixture = await openBoxFixture();
  const before = process.memoryUsage().rss;
  const { end, lines } = await runBoxed(fixture, fixture.box({}, limits), shell(script));
  const grownBytes = process.memoryUsage().rss - before;
  return { end, grownBytes, longestLine: Math.max(0, ...lines.map(({ text }) => text.length)) };
}

/** Stops a worker that said it is ready, once its box holds so many processes. */
async function stopped(script: string, processes = 1): Promise<Partial<Seen>> {
  await using fixture = await openBoxFixture();
  const ready = Promise.withResolvers<void>();
  const lines: OutputLine[] = [];
  const sandbox = bubblewrapSandbox({ clock: systemClock, toolbox: fixture.toolbox });
  const running = await sandbox.run(fixture.box(), shell(script), (line) => {
    lines.push(line);
    ready.resolve();
  });
  await ready.promise;
  let tree = descendants(running.pid);
  while (tree.length < processes) {
    await systemClock.sleep(5, new AbortController().signal);
    tree = descendants(running.pid);
  }
  const end = await running.stop({ graceMs: 500 });
  return {
    end,
    lines,
    processes: tree.length,
    alive: tree.filter(isRunning).length,
    zombies: tree.filter(({ pid, startTime }) => readProcess(pid)?.startTime === startTime).length,
  };
}

if (import.meta.main) {
  process.stdout.write(JSON.stringify(await scenarios[process.argv[2] ?? '']?.()));
}
