import type { ProcessOptions } from '../cli/processes.ts';
import type { Service } from '../kernel/service.ts';
import { runTogether } from '../kernel/service.ts';
import type { Platform } from './platform.ts';
import { openPlatform } from './platform.ts';

/** Runs one part of the product as a process of its own, until its signal aborts. */
export async function runProcess(
  options: ProcessOptions,
  open: (platform: Platform, wakes: DisposableStack) => Promise<Service[]>,
): Promise<number> {
  await using platform = await openPlatform(options);
  using wakes = new DisposableStack();
  const services = await open(platform, wakes);
  platform.log.info({ pid: process.pid }, 'started');
  await runTogether([platform.supervise, ...services], options.signal);
  platform.log.info({}, 'stopped');
  return 0;
}
