import { mkdir } from 'node:fs/promises';

import { Registry, collectDefaultMetrics } from 'prom-client';

import type { UpOptions } from '../cli/processes.ts';
import { createAccess } from '../dashboard/api/access.ts';
import { createServer } from '../dashboard/api/server.ts';
import { listRepos } from '../db/repos.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { aborted, runTogether } from '../kernel/service.ts';
import { registerRepo } from '../reconciler/register-repo.ts';
import { createActs } from './acts.ts';
import { announceServer, readOrMakeToken } from './data-dir.ts';
import { DEMO_PATH, makeDemo } from './demo.ts';
import { takeInstanceLock } from './instance-lock.ts';
import type { Platform } from './platform.ts';
import { openPlatform } from './platform.ts';
import { openRunner } from './runner.ts';
import {
  openWake,
  orchestratorServices,
  reconcileDeps,
  reconcilerServices,
  schedulerServices,
} from './services.ts';

/**
 * Everything in one process: the database, the control plane, one runner for all eight agents, and the API. Ends
 * when its signal aborts, in the reverse order of the start, with the database last.
 */
export async function up(options: UpOptions): Promise<number> {
  await using platform = await openPlatform(options);
  const holdLock = await takeInstanceLock(platform, platform.data);
  using wakes = new DisposableStack();

  const runner = await openRunner(platform, {
    agents: [],
    slots: undefined,
    sandbox: options.unsafeNoSandbox ? 'off' : platform.settings.AUTODEV_SANDBOX,
  });
  const isDemo = await registerRepos(platform, options);
  if (
    runner.degraded !== undefined &&
    platform.settings.AUTODEV_SANDBOX === 'auto' &&
    !options.unsafeNoSandbox &&
    !isDemo
  ) {
    throw new AppError(
      'SANDBOX_UNAVAILABLE',
      `workers cannot be kept in a box: ${runner.degraded}`,
      {
        remedy:
          'Install what is missing, or accept the risk for one start with `--unsafe-no-sandbox`.',
      },
    );
  }

  const api = await openApi(platform, wakes, options);
  await runTogether(
    [
      platform.supervise,
      holdLock,
      api,
      runner.service,
      ...(await reconcilerServices(platform, wakes)),
      ...(await schedulerServices(platform, wakes)),
      ...(await orchestratorServices(platform, wakes)),
    ],
    options.signal,
  );
  return 0;
}

/** Registers what was asked for; with nothing asked for and nothing registered, the demo. True: only the demo runs. */
async function registerRepos(
  { db, forge, git, data, operator }: Platform,
  { repos, signal }: UpOptions,
): Promise<boolean> {
  for (const location of repos) {
    await registerRepo({ db, forge }, { location, actor: operator });
  }
  if ((await listRepos(db)).length === 0) {
    const folder = data.file(DEMO_PATH);
    await mkdir(data.folder, { recursive: true });
    await makeDemo({ git }, folder, signal);
    await registerRepo({ db, forge }, { location: folder, path: DEMO_PATH, actor: operator });
  }
  const registered = await listRepos(db);
  return registered.every(({ location }) => location === data.file(DEMO_PATH));
}

/** Listens, tells people and commands where, and answers the service that closes it all again. */
async function openApi(
  platform: Platform,
  wakes: DisposableStack,
  { host, port, stdout }: UpOptions,
): Promise<Service> {
  const { settings, data, db, clock, operator } = platform;
  const address = { host: host ?? settings.AUTODEV_HOST, port: port ?? settings.AUTODEV_PORT };
  refuseOpenHost(address.host);

  const token = await readOrMakeToken(data);
  const access = createAccess({ db, clock, token, operator, address: () => address });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const stop = new AbortController();
  const server = createServer({
    ...platform,
    log: platform.log.child({ service: 'api' }),
    access,
    registry,
    stop: stop.signal,
    acts: createActs({
      ...reconcileDeps(platform),
      forge: platform.forge,
      db,
      operator,
      gateWake: await openWake(platform, wakes, 'gate'),
    }),
  });

  await listen(server, address);
  address.port = server.addresses()[0]?.port ?? address.port;
  const url = `http://${address.host}:${address.port}`;
  const announced = await announceServer(data, { url, pid: process.pid });
  const atTerminal = 'isTTY' in stdout && stdout.isTTY === true;
  stdout.write(`Auto-Dev is ready: ${url}${atTerminal ? access.loginPath() : ''}\n`);

  return async (signal) => {
    await aborted(signal);
    await announced[Symbol.asyncDispose]();
    stop.abort();
    await server.close();
  };
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
