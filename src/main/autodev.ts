import { runCli } from '../cli/run-cli.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
// A reader that went away (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    process.exit();
  }
});

const notYet = (): Promise<number> =>
  Promise.reject(new AppError('UNAVAILABLE', 'this process is not wired yet'));

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  signal: stop.signal,
  processes: {
    up: notYet,
    migrate: notYet,
    doctor: notYet,
    reconciler: notYet,
    scheduler: notYet,
    orchestrator: notYet,
    dashboard: notYet,
    runner: notYet,
  },
});
