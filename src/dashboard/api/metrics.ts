import type { FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, Gauge, Histogram } from 'prom-client';

import type { Stats } from '../../db/views/stats.ts';
import { readStats } from '../../db/views/stats.ts';
import type { ApiDeps } from './deps.ts';

type MetricsDeps = Pick<ApiDeps, 'db' | 'registry'>;

const COUNTS: readonly { name: string; help: string; value: (stats: Stats) => number }[] = [
  {
    name: 'autodev_queue_oldest_seconds',
    help: 'How long the queued job waits that waits longest.',
    value: (stats) => stats.oldest_queued_seconds,
  },
  {
    name: 'autodev_open_gates',
    help: 'Questions that wait for people.',
    value: (stats) => stats.open_gates,
  },
  { name: 'autodev_runners', help: 'Live runners.', value: (stats) => stats.runners },
  { name: 'autodev_repos', help: 'Registered repositories.', value: (stats) => stats.repos },
];

/**
 * What a scraper asks for. Counts come from the database when they are asked for, so that any process that
 * serves them says the same; labels are of closed sets, never repositories or people.
 */
const collect: FastifyPluginAsync<MetricsDeps> = async (app, { db, registry }) => {
  const registers = [registry];
  // A scrape collects all gauges at once: they share one read, and so one moment.
  let reading: Promise<Stats> | undefined;
  const read = (): Promise<Stats> => {
    reading ??= readStats(db).finally(() => {
      reading = undefined;
    });
    return reading;
  };

  for (const { name, help, value } of COUNTS) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: async () => {
        gauge.set(value(await read()));
      },
    });
  }
  const depth = new Gauge({
    name: 'autodev_queue_depth',
    help: 'Jobs in each state; final ones of the last 24 hours.',
    labelNames: ['state'],
    registers,
    collect: async () => {
      const { jobs } = await read();
      for (const [state, count] of Object.entries(jobs)) {
        depth.set({ state }, count);
      }
    },
  });

  // Counted where every process sees it, so that whoever is asked says the same.
  const faults = new Counter({
    name: 'autodev_faults_total',
    help: 'Rows that could not be handled because of a bug, by what they are.',
    labelNames: ['what'],
    registers,
    collect: async () => {
      const { faults: totals } = await read();
      faults.reset();
      for (const [what, total] of Object.entries(totals)) {
        faults.inc({ what }, total);
      }
    },
  });

  const requests = new Histogram({
    name: 'autodev_http_request_duration_seconds',
    help: 'Time to answer, by route; streams count until they end.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  app.addHook('onResponse', async (request, reply) => {
    requests.observe(
      {
        method: request.method,
        route: request.routeOptions.url ?? 'unknown',
        status: reply.statusCode,
      },
      reply.elapsedTime / 1000,
    );
  });
};

export const metrics = fp(collect, { name: 'autodev-metrics', fastify: '5.x' });
