import { AppError } from '../../kernel/errors.ts';
import type { Service } from '../../kernel/service.ts';
import type { EmbeddedDeps, EmbeddedOptions, EmbeddedServer } from './start.ts';
import { startEmbedded } from './start.ts';

/** An embedded server that is brought back when it dies. The connection strings stay the same. */
export interface SupervisedServer extends AsyncDisposable {
  /** As `autodev`, to the database `autodev`. A secret: holds the password. */
  readonly connection: string;
  readonly clusterDir: string;
  readonly binariesDir: string;
  /** Of the postmaster; changes with each restart. */
  pid(): number;
  /** For `/readyz`: `down` from the death of the postmaster until its successor answers. */
  state(): 'running' | 'down';
  /** Watches and restarts until its signal aborts. Leaves the server running for whoever still shuts down. */
  readonly supervise: Service;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A server that lived this long did not die of its start: the waits begin anew. */
const HEALTHY_AFTER_MS = 60_000;

/**
 * Starts a server. `supervise` then restarts it whenever its postmaster ends, after 1, 2, 4 … 60 s, also when
 * another process had started it. Disposing stops the server, if it is ours.
 *
 * @throws {AppError} as `startEmbedded`, for the first start only.
 */
export async function superviseEmbedded(
  deps: EmbeddedDeps,
  options: EmbeddedOptions,
): Promise<SupervisedServer> {
  const { clock, log } = deps;
  let server = await startEmbedded(deps, options);
  let state: 'running' | 'down' = 'running';

  const restart = async (): Promise<EmbeddedServer | undefined> => {
    try {
      return await startEmbedded(deps, options);
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      log.error({ err: error }, 'the embedded PostgreSQL does not start');
      return undefined;
    }
  };

  const supervise: Service = async (signal) => {
    let waitMs = FIRST_WAIT_MS;
    let startedAt = clock.now().getTime();
    for (;;) {
      await server.untilEnded(signal);
      if (signal.aborted) {
        return;
      }
      state = 'down';
      if (clock.now().getTime() - startedAt >= HEALTHY_AFTER_MS) {
        waitMs = FIRST_WAIT_MS;
      }
      log.error({ pid: server.pid, waitMs }, 'the embedded PostgreSQL ended, restarting it');
      await clock.sleep(waitMs, signal);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);

      const next = signal.aborted ? undefined : await restart();
      if (next !== undefined) {
        server = next;
        state = 'running';
        startedAt = clock.now().getTime();
        log.info({ pid: server.pid }, 'the embedded PostgreSQL runs again');
      }
    }
  };

  return {
    connection: server.connection,
    clusterDir: server.clusterDir,
    binariesDir: server.binariesDir,
    pid: () => server.pid,
    state: () => state,
    supervise,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
