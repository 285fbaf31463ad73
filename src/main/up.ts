import { mkdir } from 'node:fs/promises';

import type { UpOptions } from '../cli/processes.ts';
import { listRepos } from '../db/repos.ts';
import { AppError } from '../kernel/errors.ts';
import { runTogether } from '../kernel/service.ts';
import { registerRepo } from '../reconciler/register-repo.ts';
import { apiServices } from './api.ts';
import { DEMO_PATH, makeDemo } from './demo.ts';
import { takeInstanceLock } from './instance-lock.ts';
import type { Platform } from './platform.ts';
import { openPlatform } from './platform.ts';
import { openRunner } from './runner.ts';
import { orchestratorServices, reconcilerServices, schedulerServices } from './services.ts';

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

  await runTogether(
    [
      platform.supervise,
      holdLock,
      runner.service,
      ...(await reconcilerServices(platform, wakes)),
      ...(await schedulerServices(platform, wakes)),
      ...(await orchestratorServices(platform, wakes)),
      // Last: it says that the rest is ready.
      ...(await apiServices(platform, wakes, options)),
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
