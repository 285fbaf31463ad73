import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { expect, test } from 'vitest';

import { leaseUidSlot } from './worker-uid.ts';

const isRoot = process.getuid?.() === 0;
/** Where no runner on this machine comes to, and no other run of this test. */
const from = 1000 + (process.pid % 3000);

/** A runner in a process of its own, which holds a slot until it is killed. */
async function otherRunner() {
  const script = `
    import { leaseUidSlot } from '${import.meta.dirname}/worker-uid.ts';
    const { slot } = await leaseUidSlot({ from: ${from} });
    console.log(String(slot));
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line]: unknown[] = await once(createInterface(child.stdout), 'line');
  return {
    slot: Number(line),
    kill: async (): Promise<void> => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

test.runIf(isRoot)('runners on one host never hold one slot at the same time', async () => {
  const other = await otherRunner();
  const third = await otherRunner();
  await using mine = await leaseUidSlot({ from });
  await using more = await leaseUidSlot({ from });

  const held = [other.slot, third.slot, mine.slot, more.slot];
  await Promise.all([other.kill(), third.kill()]);

  expect(held).toEqual([from, from + 1, from + 2, from + 3]);
});

test.runIf(isRoot)(
  'a slot is free again when it is given back or its runner is killed',
  async () => {
    const other = await otherRunner();
    {
      await using mine = await leaseUidSlot({ from });
      expect(mine.slot).toBe(from + 1);
    }
    await other.kill();

    await using first = await leaseUidSlot({ from });
    await using second = await leaseUidSlot({ from });

    expect([first.slot, second.slot]).toEqual([from, from + 1]);
  },
);

test.runIf(isRoot)('a slot whose worker still runs is not given out', async () => {
  const uid = 61_000 + from;
  const worker = spawn('/bin/sleep', ['60'], { uid, gid: uid });
  await once(worker, 'spawn');

  await using slot = await leaseUidSlot({ from });
  worker.kill('SIGKILL');
  await once(worker, 'close');

  expect(slot.slot).toBe(from + 1);
});

test.runIf(!isRoot)('without root nothing is held', async () => {
  await using one = await leaseUidSlot();
  await using other = await leaseUidSlot();

  expect([one.slot, other.slot]).toEqual([0, 0]);
});
