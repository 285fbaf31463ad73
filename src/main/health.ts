import Fastify from 'fastify';
import type { Registry } from 'prom-client';
import { collectDefaultMetrics } from 'prom-client';

import { registerBusMetrics } from '../control/metrics.ts';
import { metrics } from '../dashboard/api/metrics.ts';
import { healthRoutes } from '../dashboard/api/routes/health.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { aborted } from '../kernel/service.ts';
import { busReadiness } from './control-bus.ts';
import type { Platform } from './platform.ts';

/** One of the fleet's own numbers: where it is, all of them are. */
const FLEET_METRIC = 'autodev_queue_depth';

/**
 * Health and metrics on a port of their own, which the way in from outside does not reach: what probes and scrapers
 * of a cluster ask every process for. Where the process shows its numbers elsewhere too, it is the same registry.
 */
export async function healthServices(
  { settings, db, bus, log }: Pick<Platform, 'settings' | 'db' | 'bus' | 'log'>,
  registry: Registry,
  port: number,
): Promise<Service[]> {
  const app = Fastify();
  if (registry.getSingleMetric(FLEET_METRIC) === undefined) {
    collectDefaultMetrics({ register: registry });
    registerBusMetrics(registry, bus);
    await app.register(metrics, { db, registry });
  }
  await app.register(healthRoutes, { db, registry, ready: async () => [busReadiness(bus)] });

  const host = settings.AUTODEV_HOST;
  try {
    await app.listen({ host, port });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new AppError('BUSY', `port ${port} of ${host} is in use`, {
        cause: error,
        remedy: 'Choose another AUTODEV_METRICS_PORT (0: any that is free).',
      });
    }
    throw error;
  }
  const [bound] = app.addresses();
  const served = typeof bound === 'object' ? bound.port : port;
  log.info({ host, port: served }, 'health and metrics are served');

  return [
    async (signal) => {
      await aborted(signal);
      await app.close();
    },
  ];
}
