import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { ControlBus, Topic } from '../control-bus.ts';
import { TOPICS } from '../control-bus.ts';
import { gatherHints } from '../gather-hints.ts';
import { channelOf, readHint, writeHint } from '../hint.ts';
import type { RedisAddress } from './address.ts';
import { keepConnected } from './connection.ts';
import type { RedisSession } from './session.ts';

interface RedisBusDeps {
  clock: Clock;
  log: Log;
  /** Read anew for each connection, as a mounted secret changes. Throws an AppError when there is none. */
  address: () => RedisAddress;
  /** Whose channels these are; the same for all processes on one database. */
  installation: string;
  /** From 0 to below 1. */
  random?: () => number;
}

/** Hints on their way to a slow server; more are worth nothing by the time they arrive. */
const MOST_PENDING = 1_000;

/**
 * The bus on Redis: publish and subscribe, no keys, nothing stored. Connects now, and again for as long as it lives;
 * without a server it takes hints, drops them and says so in its status.
 *
 * Resolves when the first try to connect has ended, well or not.
 */
export async function openRedisBus(deps: RedisBusDeps): Promise<ControlBus> {
  const { clock, log, address, installation, random = Math.random } = deps;
  const listeners = new Map<Topic, Set<(id: string) => void>>();
  const topics = new Map(TOPICS.map((topic) => [channelOf(installation, topic), topic]));
  const pending = new Set<Promise<void>>();
  const counts = { published: 0, dropped: 0, received: 0, refused: 0, gathered: 0 };
  const closed = new AbortController();

  const connection = keepConnected(
    {
      clock,
      log,
      address,
      random,
      onMessage: (channel, message) => {
        const topic = topics.get(channel);
        const id = readHint(message);
        if (topic === undefined || id === undefined) {
          counts.refused += 1;
          // Who sends such things sends many; the count has the others.
          if (counts.refused === 1) {
            const bytes = message.byteLength;
            log.warn({ topic, bytes }, 'a message on a channel of ours is no hint');
          }
          return;
        }
        counts.received += 1;
        listeners.get(topic)?.forEach((onHint) => onHint(id));
      },
      // Whoever comes meanwhile is subscribed as well: the map is read until its end.
      prepare: async (session) => {
        for (const topic of listeners.keys()) {
          await session.subscribe(channelOf(installation, topic));
        }
      },
      // What was sent while nobody was connected is lost.
      onUp: () => listeners.forEach((hearing) => hearing.forEach((onHint) => onHint(''))),
    },
    closed.signal,
  );
  await connection.tried;

  const send = async (session: RedisSession, topic: Topic, hint: string): Promise<void> => {
    try {
      await session.publish(channelOf(installation, topic), hint);
      counts.published += 1;
    } catch (error) {
      // The row is there for the poll.
      counts.dropped += 1;
      // Refused, and not only late or lost with its connection: the next one would be, too.
      if (error instanceof Error && error.name === 'ReplyError') {
        session.fail(error);
      }
    }
  };
  const subscribe = async (session: RedisSession, topic: Topic): Promise<boolean> => {
    try {
      await session.subscribe(channelOf(installation, topic));
      return true;
    } catch (error) {
      // The next session does it.
      session.fail(error);
      return false;
    }
  };
  const leave = async (topic: Topic, onHint: (id: string) => void): Promise<void> => {
    const hearing = listeners.get(topic);
    hearing?.delete(onHint);
    const { session } = connection;
    if (hearing?.size === 0) {
      listeners.delete(topic);
      await session?.unsubscribe(channelOf(installation, topic)).catch((error: unknown) => {
        session.fail(error);
      });
    }
  };

  return {
    publish: (topic, id) => {
      const { session } = connection;
      if (session === undefined || pending.size >= MOST_PENDING) {
        counts.dropped += 1;
        return;
      }
      const sent = send(session, topic, writeHint(id)).finally(() => pending.delete(sent));
      pending.add(sent);
    },
    listen: async (topic, onHint, signal) => {
      const stop = AbortSignal.any([signal, closed.signal]);
      if (stop.aborted) {
        return;
      }
      const onGathered = (): void => {
        counts.gathered += 1;
      };
      const hear = gatherHints({ clock, onHint, onGathered }, stop);
      const hearing = listeners.get(topic) ?? new Set();
      listeners.set(topic, hearing.add(hear));
      stop.addEventListener('abort', () => void leave(topic, hear), { once: true });
      const { session } = connection;
      // Without one it is subscribed with the next, and told then.
      if (session !== undefined && (await subscribe(session, topic))) {
        hear('');
      }
    },
    status: () => ({
      kind: 'redis',
      up: connection.session !== undefined,
      detail: connection.detail,
      counts: { ...counts, lost: connection.lost },
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all(pending);
      closed.abort();
      await connection.ended;
    },
  };
}
