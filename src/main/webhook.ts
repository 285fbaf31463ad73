import { readFile } from 'node:fs/promises';

import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { Registry, collectDefaultMetrics } from 'prom-client';

import type { ReadyCheck } from '../dashboard/api/deps.ts';
import { healthRoutes } from '../dashboard/api/routes/health.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { aborted } from '../kernel/service.ts';
import type { HookSecrets } from '../webhook/guard.ts';
import { createGuard } from '../webhook/guard.ts';
import { createIntake } from '../webhook/intake.ts';
import { createTally } from '../webhook/tally.ts';
import type { WebhookDeps } from '../webhook/webhook.ts';
import { webhook } from '../webhook/webhook.ts';
import type { Platform } from './platform.ts';

const METRICS_PORT = 9090;
const REREAD_EVERY_MS = 5_000;
/** GitLab gives up after 10 s. */
const REQUEST_TIMEOUT_MS = 10_000;
/** More than this wait only when the database does not keep up. */
const MANY_WAIT = 2_500;

type Receiver = Pick<Platform, 'settings' | 'db' | 'clock' | 'log'>;

/**
 * What the route of GitLab's hooks is made of, and the services beside it.
 *
 * @throws {AppError} SETTINGS_INVALID where nothing would prove that a delivery is GitLab's
 */
export function openWebhook(
  { settings, db, clock, log: root }: Receiver,
  registry: Registry,
): { deps: WebhookDeps; services: Service[]; ready: () => Promise<ReadyCheck[]> } {
  const log: Log = root.child({ service: 'webhook' });
  const secrets = {
    signingToken: settings.GITLAB_WEBHOOK_SIGNING_TOKEN,
    secret: settings.GITLAB_WEBHOOK_SECRET,
  };
  const intake = createIntake({ db, clock });
  const tally = createTally({ db, clock, log, registry }, intake.waiting);
  return {
    deps: { guard: createGuard({ clock }, () => secrets), intake, tally, log },
    services: [tally.keep, followSecrets({ settings, clock, log }, secrets)],
    ready: async () => {
      const waiting = intake.waiting();
      return [{ name: 'intake', ok: waiting < MANY_WAIT, detail: `${waiting} deliveries wait` }];
    },
  };
}

/** The process `autodev webhook`: the route on its port, health and metrics on another. */
export async function webhookServices(platform: Receiver): Promise<Service[]> {
  const { settings, db, log } = platform;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { deps, services, ready } = openWebhook(platform, registry);

  const hooks = Fastify({ requestTimeout: REQUEST_TIMEOUT_MS, forceCloseConnections: 'idle' });
  hooks.register(webhook, deps);
  const health = Fastify();
  health.register(healthRoutes, { db, registry, ready });
  const host = settings.AUTODEV_HOST;
  await listen(hooks, { host, port: settings.AUTODEV_PORT });
  await listen(health, { host, port: settings.AUTODEV_METRICS_PORT ?? METRICS_PORT });
  log.info(
    { hooks: addressOf(hooks), health: addressOf(health) },
    'hooks of GitLab are taken at /webhook',
  );

  return [
    ...services,
    async (signal) => {
      await aborted(signal);
      await hooks.close();
      await health.close();
      // What was answered while it closed.
      await deps.tally.flush();
    },
  ];
}

/** A mounted secret that changes is used without a restart; what cannot be read now stands as it was. */
function followSecrets(
  { settings, clock, log }: Omit<Receiver, 'db'>,
  secrets: { -readonly [Key in keyof HookSecrets]: HookSecrets[Key] },
): Service {
  return async (signal) => {
    while (!signal.aborted) {
      await clock.sleep(REREAD_EVERY_MS, signal);
      for (const [key, name] of [
        ['signingToken', 'GITLAB_WEBHOOK_SIGNING_TOKEN'],
        ['secret', 'GITLAB_WEBHOOK_SECRET'],
      ] as const) {
        const file = settings.files.get(name);
        const text = file && (await readFile(file, 'utf8').catch(() => ''));
        if (text && text.trim() !== secrets[key]) {
          secrets[key] = text.trim();
          log.info({ name }, 'the secret of the hooks changed');
        }
      }
    }
  };
}

function addressOf(server: FastifyInstance): string {
  const [bound] = server.addresses();
  return typeof bound === 'object' ? `${bound.address}:${bound.port}` : '';
}

async function listen(
  server: FastifyInstance,
  address: { host: string; port: number },
): Promise<void> {
  try {
    await server.listen(address);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new AppError('BUSY', `port ${address.port} of ${address.host} is in use`, {
        cause: error,
        remedy: 'Choose others: AUTODEV_PORT for hooks, AUTODEV_METRICS_PORT for health.',
      });
    }
    throw error;
  }
}
