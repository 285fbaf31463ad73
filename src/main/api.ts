import type { FastifyInstance } from 'fastify';
import { Registry, collectDefaultMetrics } from 'prom-client';

import { createHearing } from '../control/hearing.ts';
import { registerBusMetrics } from '../control/metrics.ts';
import { createAccess } from '../dashboard/api/access.ts';
import type { ApiDeps } from '../dashboard/api/deps.ts';
import { createServer } from '../dashboard/api/server.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { aborted } from '../kernel/service.ts';
import { webhook } from '../webhook/webhook.ts';
import { createActs } from './acts.ts';
import { busReadiness } from './control-bus.ts';
import { announceServer, readOrMakeToken } from './data-dir.ts';
import type { Platform } from './platform.ts';
import { openWake, reconcileDeps } from './services.ts';
import { openWebhook } from './webhook.ts';

/** For a person, who sees nothing of the log. */
const FIRST_STEPS = `
  npx autodev status      what runs, what waits, what is wrong
  npx autodev approvals   what waits for you
  Ctrl-C                  stops everything

`;

interface ApiOptions {
  host?: string | undefined;
  port?: number | undefined;
  stdout: NodeJS.WritableStream;
  /** Why no repository beside the demo may be added; undefined: any may. */
  onlyDemo?: string | undefined;
  /** Whether hooks of GitLab are taken here as well, where there is a secret for them. */
  withWebhook?: boolean;
  /** Of a process that shows its numbers on another port too. */
  registry?: Registry;
}

/** Listens, tells people and commands where, and answers the service that closes it all again. */
export async function apiServices(
  platform: Platform,
  wakes: DisposableStack,
  { host, port, stdout, onlyDemo, withWebhook = false, registry = new Registry() }: ApiOptions,
): Promise<Service[]> {
  const { settings, data, db, clock, operator } = platform;
  const address = { host: host ?? settings.AUTODEV_HOST, port: port ?? settings.AUTODEV_PORT };
  refuseOpenHost(address.host);

  const token = await readOrMakeToken(data);
  const access = createAccess({ db, clock, token, operator, address: () => address });
  collectDefaultMetrics({ register: registry });
  registerBusMetrics(registry, platform.bus);
  const stop = new AbortController();
  const hasSecret = settings.GITLAB_WEBHOOK_SECRET ?? settings.GITLAB_WEBHOOK_SIGNING_TOKEN;
  const hooks = withWebhook && hasSecret ? openWebhook(platform, registry) : undefined;
  const before = hooks && (async (app: FastifyInstance) => void app.register(webhook, hooks.deps));
  const apiDeps: ApiDeps = {
    ...platform,
    log: platform.log.child({ service: 'api' }),
    access,
    registry,
    stop: stop.signal,
    hearing: createHearing(platform),
    ready: async () => [busReadiness(platform.bus)],
    acts: createActs({
      ...platform,
      ...reconcileDeps(platform, wakes),
      forge: platform.forge,
      db,
      operator,
      onlyDemo,
      gateWake: await openWake(platform, wakes, 'gate'),
    }),
  };
  const server = createServer(hooks ? { ...apiDeps, ready: hooks.ready } : apiDeps, { before });

  await listen(server, address);
  const [bound] = server.addresses();
  address.port = bound && typeof bound === 'object' ? bound.port : address.port;
  const url = `http://${address.host}:${address.port}`;
  const announced = await announceServer(data, { url, pid: process.pid });
  const atTerminal = 'isTTY' in stdout && stdout.isTTY === true;
  stdout.write(`Auto-Dev is ready: ${url}${atTerminal ? access.loginPath() : ''}\n`);
  if (atTerminal) {
    stdout.write(FIRST_STEPS);
  }

  return [
    ...(hooks?.services ?? []),
    async (signal) => {
      await aborted(signal);
      await announced[Symbol.asyncDispose]();
      stop.abort();
      await server.close();
    },
  ];
}

/** Without people to sign in there is one owner: whoever is on this machine. */
function refuseOpenHost(host: string): void {
  if (!['127.0.0.1', '::1', 'localhost'].includes(host)) {
    throw new AppError('SETTINGS_INVALID', `${host} is not this machine alone`, {
      remedy: 'Listen on 127.0.0.1; beyond it people must sign in, which needs OIDC.',
    });
  }
}

async function listen(
  server: ReturnType<typeof createServer>,
  address: { host: string; port: number },
): Promise<void> {
  try {
    await server.listen(address);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new AppError('BUSY', `port ${address.port} of ${address.host} is in use`, {
        cause: error,
        remedy: 'Choose another one: `npm start -- --port N` (0: any that is free).',
      });
    }
    throw error;
  }
}
