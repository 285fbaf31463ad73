import { once } from 'node:events';

import { startEmbedded } from '../src/db/embedded/start.ts';
import { AppError } from '../src/kernel/errors.ts';
import { embeddedDeps } from './embedded.ts';

/** A process that starts a throw-away server, says so in one line, and keeps it until its input ends. */
const print = (report: object): void => {
  process.stdout.write(`${JSON.stringify(report)}\n`);
};

try {
  const server = await startEmbedded(embeddedDeps, {
    dataDir: process.argv[2] ?? '',
    temporary: true,
  });
  const { pid, reused, connection, clusterDir } = server;
  print({ pid, reused, connection, clusterDir });
  process.stdin.resume();
  await once(process.stdin, 'end');
  await server.stop();
} catch (error) {
  if (!(error instanceof AppError)) {
    throw error;
  }
  print({ error: { code: error.code, message: error.message, remedy: error.remedy } });
}
