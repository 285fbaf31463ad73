import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import type { Log } from '../../kernel/log.ts';
import type { ControlBus } from '../control-bus.ts';
import { readRedisUrl } from './address.ts';
import { openRedisBus } from './bus.ts';

/** A process of the installation `test`, on the server that `url` names. */
export function openBus(
  url: string | (() => string),
  { installation = 'test', log = silentLog }: { installation?: string; log?: Log } = {},
): Promise<ControlBus> {
  return openRedisBus({
    clock: systemClock,
    log,
    address: () => readRedisUrl(typeof url === 'string' ? url : url()),
    installation,
  });
}

/** Keeps all that is logged, with everything that hangs on an error, as text. */
export function keptLog(): { log: Log; text: () => string } {
  const lines: string[] = [];
  const keep = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields, withErrors)}`);
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return { log, text: () => lines.join('\n') };
}

function withErrors(_key: string, value: unknown): unknown {
  return value instanceof Error
    ? { ...Object.fromEntries(Object.entries(value)), stack: value.stack, cause: value.cause }
    : value;
}
