import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';

import type { Clock } from '../../kernel/clock.ts';
import type { Places } from './places.ts';
import type { Postmaster } from './postmaster-file.ts';
import { readPostmaster } from './postmaster-file.ts';
import { PORT } from './server-settings.ts';

const NEVER = new AbortController().signal;

/**
 * Waits while the cluster's server starts or stops. Resolves with it once it answers, or with undefined when
 * there is none (any more) or the time is up.
 */
export async function settledServer(
  clock: Clock,
  places: Places,
  withinMs: number,
): Promise<Postmaster | undefined> {
  const until = clock.now().getTime() + withinMs;

  while (clock.now().getTime() < until) {
    const found = await readPostmaster(places.clusterDir);
    // A server whose socket is not ours: some other process got the number of a dead postmaster.
    if (found === undefined || found.socketDir !== places.socketDir) {
      return undefined;
    }
    if (found.status === 'ready' && (await answers(places.socketDir))) {
      return found;
    }
    await clock.sleep(20, NEVER);
  }
  return undefined;
}

/** Waits for a server that was just launched; undefined when `ended` settles, or the time is up, before. */
export async function launchedServer(
  clock: Clock,
  places: Places,
  ended: Promise<unknown>,
  withinMs: number,
): Promise<Postmaster | undefined> {
  const until = clock.now().getTime() + withinMs;
  const over = new AbortController();
  void ended.finally(() => over.abort());

  while (!over.signal.aborted && clock.now().getTime() < until) {
    const found = await readPostmaster(places.clusterDir);
    const ours = found?.socketDir === places.socketDir && found.status === 'ready';
    if (ours && (await answers(places.socketDir))) {
      return found;
    }
    await clock.sleep(10, over.signal);
  }
  return undefined;
}

/** Resolves when the postmaster `pid` no longer holds the cluster. */
export async function untilGone(
  clock: Clock,
  places: Places,
  pid: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && (await readPostmaster(places.clusterDir))?.pid === pid) {
    await clock.sleep(250, signal);
  }
}

async function answers(socketDir: string): Promise<boolean> {
  const socket = connect(path.join(socketDir, `.s.PGSQL.${PORT}`));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
