import { Redis } from 'ioredis';

import type { Clock } from '../../kernel/clock.ts';
import type { RedisAddress } from './address.ts';
import { guardedConnector } from './guarded-connector.ts';

/** A command that is not answered within that means that the server is not there for us. */
const COMMAND_MS = 1_000;
/** To connect, over TLS and with a login. */
const CONNECT_MS = 3_000;
/** How often silence is told from absence; a stopped server keeps its connections open. */
const PING_EVERY_MS = 2_000;

interface SessionDeps {
  clock: Clock;
  address: RedisAddress;
  onMessage: (channel: string, message: Buffer) => void;
}

/** Two connections that stand, one that listens and one that speaks, until either is lost. */
export interface RedisSession extends Disposable {
  /** Rejects when the server does not take it within a second. */
  publish(channel: string, message: string): Promise<void>;
  /** Resolves when the server has said that it will send what comes from now on. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Gives it up. */
  fail(error: unknown): void;
  /** Resolves with what went wrong, or undefined when the session was disposed of. */
  readonly lost: Promise<unknown>;
}

/**
 * Connects once and never again by itself: each session is made whole, with the credentials of its moment, so that
 * nothing of an older one (a queue of commands, half a subscription) lives on in it.
 *
 * Speaks RESP2, which proxies and old servers know, and sends AUTH, PING, PUBLISH, SUBSCRIBE and UNSUBSCRIBE alone.
 */
export async function openSession(
  { clock, address, onMessage }: SessionDeps,
  signal: AbortSignal,
): Promise<RedisSession> {
  const lost = Promise.withResolvers<unknown>();
  const over = new AbortController();
  const end = (error?: unknown): void => {
    lost.resolve(error);
    over.abort();
    hearing.disconnect();
    speaking.disconnect();
  };
  const hearing = makeClient(address, end);
  const speaking = makeClient(address, end);
  hearing.on('messageBuffer', (channel: Buffer, message: Buffer) =>
    onMessage(channel.toString('utf8'), message),
  );

  try {
    const refused = await Promise.race([
      Promise.all([hearing.connect(), speaking.connect()]).then(() => undefined),
      // It says why; what `connect` rejects with is that the connection was closed.
      lost.promise,
      clock
        .sleep(CONNECT_MS, AbortSignal.any([signal, over.signal]))
        .then(() => new Error('no connection in time')),
    ]);
    if (refused !== undefined) {
      throw refused;
    }
    // A login is refused with the first command at the latest, as is a user without our commands.
    await Promise.all([hearing.ping(), speaking.ping()]);
  } catch (error) {
    end(error);
    throw (await lost.promise) ?? error;
  }

  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(PING_EVERY_MS, over.signal);
      if (!over.signal.aborted) {
        await Promise.all([hearing.ping(), speaking.ping()]).catch(end);
      }
    }
  };
  void watch();

  return {
    publish: async (channel, message) => {
      await speaking.publish(channel, message);
    },
    subscribe: async (channel) => {
      await hearing.subscribe(channel);
    },
    unsubscribe: async (channel) => {
      await hearing.unsubscribe(channel);
    },
    fail: end,
    lost: lost.promise,
    [Symbol.dispose]: () => end(),
  };
}

function makeClient(address: RedisAddress, onEnd: (error: unknown) => void): Redis {
  let last: unknown = new Error('the connection was closed');
  const client = new Redis({
    Connector: guardedConnector(address),
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    // Says which event means that the connection stands; its own options are the connector's.
    ...(address.tls && { tls: {} }),
    protocol: 2,
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    keepAlive: 10_000,
    // Whoever holds the session connects anew, and nothing waits in a queue until then.
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    // They would need INFO and CLIENT, which a narrow user has not.
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  client.on('error', (error) => {
    last = error;
    // Also for an answer that nobody asked for: from then on no answer belongs to its command.
    client.disconnect();
  });
  client.once('end', () => onEnd(last));
  return client;
}
