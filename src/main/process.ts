import { Registry } from 'prom-client';

import type { ProcessOptions } from '../cli/processes.ts';
import type { Service } from '../kernel/service.ts';
import { runTogether } from '../kernel/service.ts';
import type { Platform } from './platform.ts';
import { openPlatform } from './platform.ts';

/** Puts a part of the product together; what it counts goes into the registry. */
type Open = (platform: Platform, wakes: DisposableStack, registry: Registry) => Promise<Service[]>;

/**
 * Runs one part of the product as a process of its own, until its signal aborts. With AUTODEV_METRICS_PORT it says
 * there how it is, unless the part does so itself (`ownHealth`).
 */
export async function runProcess(
  options: ProcessOptions,
  open: Open,
  { ownHealth = false }: { ownHealth?: boolean } = {},
): Promise<number> {
  await using platform = await openPlatform(options);
  using wakes = new DisposableStack();
  const registry = new Registry();
  const services = await open(platform, wakes, registry);
  const port = ownHealth ? undefined : platform.settings.AUTODEV_METRICS_PORT;
  const health =
    port === undefined
      ? []
      : await (await import('./health.ts')).healthServices(platform, registry, port);
  platform.log.info({ pid: process.pid }, 'started');
  await runTogether([platform.supervise, ...services, ...health], options.signal);
  platform.log.info({}, 'stopped');
  return 0;
}
