import { readFileSync } from 'node:fs';

import type { Settings } from '../config/settings.ts';
import type { ControlBus } from '../control/control-bus.ts';
import { createPostgresBus } from '../control/postgres/bus.ts';
import type { RedisAddress } from '../control/redis/address.ts';
import { readRedisUrl } from '../control/redis/address.ts';
import { openRedisBus } from '../control/redis/bus.ts';
import type { ReadyCheck } from '../dashboard/api/deps.ts';
import type { Db } from '../db/db.ts';
import { installationId } from '../db/installation.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';

/**
 * The bus that the settings choose: Redis with REDIS_URL, else PostgreSQL. A server that is away is no reason not to
 * start.
 *
 * @throws {AppError} SETTINGS_INVALID for a REDIS_URL that cannot be understood
 */
export async function openControlBus(
  { db, clock, log }: { db: Db; clock: Clock; log: Log },
  settings: Settings,
): Promise<ControlBus> {
  const { REDIS_URL: url, files } = settings;
  if (url === undefined) {
    return createPostgresBus({ db });
  }
  readRedisUrl(url);
  const file = files.get('REDIS_URL');
  return openRedisBus({
    clock,
    log: log.child({ service: 'control bus' }),
    // A password that was changed is in the mounted file before anybody restarts us.
    address: () => (file === undefined ? readRedisUrl(url) : readMounted(file)),
    installation: await installationId(db),
  });
}

/** For `/readyz`: without its bus a process is slower and still of use, so it never says that it is not ready. */
export function busReadiness(bus: ControlBus): ReadyCheck {
  const { up, detail } = bus.status();
  return { name: 'control bus', ok: true, detail: up ? detail : `degraded: ${detail}` };
}

function readMounted(file: string): RedisAddress {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new AppError('SETTINGS_INVALID', `REDIS_URL_FILE: ${file} cannot be read`, {
      cause,
      remedy: 'Mount the file, or set REDIS_URL.',
    });
  }
  return readRedisUrl(text);
}
