import { readFileSync } from 'node:fs';

import { readClientSettings } from '../config/client-settings.ts';
import type { ApiClient } from './api-client.ts';
import { createApiClient } from './api-client.ts';
import { findServer } from './find-server.ts';

interface ConnectOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** What the options of the command line say; they go before the environment. */
  dataDir: string | undefined;
  url: string | undefined;
  token: string | undefined;
}

/**
 * A client of the server that a command is about. Nothing is sent yet.
 *
 * @throws {AppError} UNAVAILABLE when none runs here; SETTINGS_INVALID
 */
export async function connect({
  cwd,
  env,
  signal,
  dataDir,
  url,
  token,
}: ConnectOptions): Promise<ApiClient> {
  const settings = readClientSettings(env, { readFile: (file) => readFileSync(file, 'utf8') });
  const server = await findServer({
    cwd,
    dataDir: dataDir ?? settings.AUTODEV_DATA,
    url: url ?? settings.AUTODEV_URL,
    token: token ?? settings.AUTODEV_TOKEN,
  });
  return createApiClient({ ...server, signal });
}
