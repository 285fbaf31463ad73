import { createOutput } from '../cli/output.ts';
import type { UpOptions } from '../cli/processes.ts';
import { endOrphanedLeases } from '../db/orphaned-leases.ts';
import { listRepos } from '../db/repos.ts';
import type { Service } from '../kernel/service.ts';
import { keepRunning, runTogether } from '../kernel/service.ts';
import { registerRepo } from '../reconciler/register-repo.ts';
import { apiServices } from './api.ts';
import { DEMO_PATH, makeDemo } from './demo.ts';
import { takeInstanceLock } from './instance-lock.ts';
import { createNarrator } from './narrate.ts';
import type { Platform } from './platform.ts';
import { openPlatform } from './platform.ts';
import { openRunner } from './runner.ts';
import { orchestratorServices, reconcilerServices, schedulerServices } from './services.ts';
import { withoutBox } from './without-box.ts';

/**
 * Everything in one process: the database, the control plane, one runner for all eight agents, and the API. Ends
 * when its signal aborts, in the reverse order of the start, with the database last.
 */
export async function up(options: UpOptions): Promise<number> {
  await using platform = await openPlatform(options);
  await using lock = await takeInstanceLock(platform, platform.data);
  // A database of our own and nobody else on it: whoever held a lease was killed.
  if (platform.server !== undefined) {
    await endOrphanedLeases(platform.db);
  }
  using wakes = new DisposableStack();

  const sandbox = options.unsafeNoSandbox ? 'off' : platform.settings.AUTODEV_SANDBOX;
  const runner = await openRunner(platform, { agents: [], slots: undefined, sandbox });
  if (runner.degraded !== undefined) {
    options.stderr.write(`Warning: workers are not kept in a box. ${runner.degraded}\n`);
  }
  // Nobody chose to do without a box: then only what came with the product runs.
  const onlyDemo =
    runner.degraded !== undefined && sandbox === 'auto' ? runner.degraded : undefined;
  if (onlyDemo !== undefined && !(await isDemoAlone(platform, options))) {
    throw withoutBox(onlyDemo);
  }
  await registerRepos(platform, options);

  await runTogether(
    [
      platform.supervise,
      lock.hold,
      runner.service,
      ...(await reconcilerServices(platform, wakes)),
      ...(await schedulerServices(platform, wakes)),
      ...(await orchestratorServices(platform, wakes)),
      ...narration(platform, options),
      // Last: it says that the rest is ready.
      ...(await apiServices(platform, wakes, { ...options, onlyDemo, withWebhook: true })),
    ],
    options.signal,
  );
  return 0;
}

/** Who collects logs has them as JSON; a person at a terminal reads a line for each thing that happens. */
function narration(platform: Platform, { env, stderr, stdout }: UpOptions): Service[] {
  if (!('isTTY' in stdout && stdout.isTTY === true)) {
    return [];
  }
  const output = createOutput({ stdout: stderr, stderr, json: false, env });
  return [keepRunning(platform, 'narrator', createNarrator({ ...platform, output }))];
}

async function isDemoAlone({ db, data }: Platform, { repos }: UpOptions): Promise<boolean> {
  const registered = await listRepos(db);
  return (
    repos.length === 0 && registered.every(({ location }) => location === data.file(DEMO_PATH))
  );
}

/** Registers what was asked for; with nothing asked for and nothing registered, the demo. */
async function registerRepos(
  { db, forge, git, data, operator }: Platform,
  { repos, signal }: UpOptions,
): Promise<void> {
  for (const location of repos) {
    await registerRepo({ db, forge }, { location, actor: operator });
  }
  if ((await listRepos(db)).length === 0) {
    const folder = await makeDemo({ git }, data.file(DEMO_PATH), signal);
    await registerRepo({ db, forge }, { location: folder, path: DEMO_PATH, actor: operator });
  }
}
