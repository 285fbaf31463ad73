import { runCli } from '../cli/run-cli.ts';
import { systemClock } from '../kernel/clock.ts';
import { closeInheritedDescriptors } from '../sandbox/descriptors.ts';

// Before anything else opens one: a descriptor that our parent left open would reach every worker.
closeInheritedDescriptors();

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
// A reader that went away (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    process.exit();
  }
});

/** Each process is loaded when it is called for: `autodev validate` must not wait for a database driver. */
process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  signal: stop.signal,
  processes: {
    up: async (options) => (await import('./up.ts')).up(options),
    migrate: async (options) => (await import('./migrate.ts')).runMigrate(options),
    doctor: async (options) => (await import('./doctor.ts')).runDoctor(options),
    reconciler: async (options) => {
      const { runProcess } = await import('./process.ts');
      const { reconcilerServices } = await import('./services.ts');
      return runProcess(options, reconcilerServices);
    },
    scheduler: async (options) => {
      const { runProcess } = await import('./process.ts');
      const { schedulerServices } = await import('./services.ts');
      return runProcess(options, schedulerServices);
    },
    orchestrator: async (options) => {
      const { runProcess } = await import('./process.ts');
      const { orchestratorServices } = await import('./services.ts');
      return runProcess(options, orchestratorServices);
    },
    dashboard: async (options) => {
      const { runProcess } = await import('./process.ts');
      const { apiServices } = await import('./api.ts');
      return runProcess(options, (platform, wakes, registry) =>
        apiServices(platform, wakes, { ...options, registry }),
      );
    },
    webhook: async (options) => {
      const { runProcess } = await import('./process.ts');
      const { webhookServices } = await import('./webhook.ts');
      return runProcess(options, webhookServices, { ownHealth: true });
    },
    runner: async (options) => {
      const { runProcess } = await import('./process.ts');
      const { openRunner } = await import('./runner.ts');
      return runProcess(options, async (platform) => {
        const { AUTODEV_SANDBOX: sandbox } = platform.settings;
        const { service } = await openRunner(platform, { ...options, sandbox });
        return [service];
      });
    },
  },
});
