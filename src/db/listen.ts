import type { ClientConfig } from 'pg';
import { Client } from 'pg';

import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { databaseError } from './database-error.ts';

interface ListenDeps {
  config: ClientConfig;
  clock: Clock;
  log: Log;
}

interface Listening {
  /** Resolves with the first LISTEN that stands, or when the signal aborts before. */
  listening: Promise<void>;
  /** Resolves when the connection is closed for good. Rejects never. */
  ended: Promise<void>;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * Listens on a connection of its own, because a pool lends its connections to others, and connects again,
 * after a wait that doubles up to 5 s, whenever it is lost. `onMessage` gets each payload, and the empty
 * payload once after every LISTEN: what was sent before it is lost, so the caller has to look.
 */
export function listen(
  { config, clock, log }: ListenDeps,
  channel: string,
  onMessage: (payload: string) => void,
  signal: AbortSignal,
): Listening {
  const first = Promise.withResolvers<void>();

  const keepListening = async (): Promise<void> => {
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        await listenOnce(config, channel, onMessage, signal, () => {
          waitMs = FIRST_WAIT_MS;
          first.resolve();
        });
      } catch (error) {
        log.warn({ err: databaseError(error), channel, waitMs }, 'listening interrupted');
      }
      await clock.sleep(waitMs, signal);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    first.resolve();
  };

  return { listening: first.promise, ended: keepListening() };
}

/** Resolves when the signal aborts and rejects when the connection is lost. */
async function listenOnce(
  config: ClientConfig,
  channel: string,
  onMessage: (payload: string) => void,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const client = new Client(config);
  const lost = Promise.withResolvers<void>();
  // It may be lost while nobody awaits it yet.
  lost.promise.catch(() => {});
  client.on('error', lost.reject);
  client.on('end', () => lost.reject(new Error('Connection terminated')));
  client.on('notification', ({ payload }) => onMessage(payload ?? ''));
  const stop = (): void => lost.resolve();
  signal.addEventListener('abort', stop, { once: true });

  try {
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    if (!signal.aborted) {
      onMessage('');
      onListening();
      await lost.promise;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await client.end().catch(() => {});
  }
}
