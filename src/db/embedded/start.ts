import { rm, rmdir } from 'node:fs/promises';

import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { aborted } from '../../kernel/service.ts';
import type { Account } from './account.ts';
import { postgresAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import { ensureCluster } from './cluster.ts';
import type { Launched } from './launch.ts';
import { launch } from './launch.ts';
import { passwordOf } from './passwords.ts';
import type { Places } from './places.ts';
import { makeSocketDir, preparePlaces } from './places.ts';
import { removeStaleFile } from './postmaster-file.ts';
import { launchedServer, settledServer, untilGone } from './ready.ts';
import { ensureRoles } from './roles.ts';
import { serverSettings, socketUrl } from './server-settings.ts';

export interface EmbeddedDeps {
  clock: Clock;
  log: Log;
  /** What PostgreSQL's programs see of the environment. */
  env: { PATH: string };
}

export interface EmbeddedOptions {
  /** Of the product; the database is in its folder `postgres`. */
  dataDir: string;
  /** A throw-away cluster for tests: never waits for the disk, and is removed when it stops. */
  temporary?: boolean;
  /** Of postgresql.conf, over the defaults. */
  settings?: Readonly<Record<string, string>>;
  /** Gets each line that the server logs; the default hands them to `log` as warnings. */
  onLog?: (line: string) => void;
}

/** A running server, usable at once. Disposing it is `stop`, which may be called twice. */
export interface EmbeddedServer extends AsyncDisposable {
  /** As `autodev`, the owner of the database `autodev`. A secret: holds the password. */
  readonly connection: string;
  /** As the superuser, to the database `postgres`; for set-up and tests. A secret, too. */
  readonly admin: string;
  readonly pid: number;
  /** Another process started it and will stop it; `stop` does nothing here. */
  readonly reused: boolean;
  /** Where the cluster lives, which as root need not be below the data folder. */
  readonly clusterDir: string;
  readonly binariesDir: string;
  /** Resolves when the postmaster has ended, whoever ended it, or when `signal` aborts. */
  untilEnded(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

interface Prepared {
  account: Account;
  places: Places;
  passwords: { postgres: string; autodev: string };
  env: Record<string, string>;
  temporary: boolean;
  settings: Readonly<Record<string, string>>;
  onLog: (line: string) => void;
}

const NEVER = new AbortController().signal;
const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 20_000;
/** A postmaster that is dying, or that another process just starts, holds the cluster; 1.8 s were seen. */
const HELD_FOR_MS = 15_000;

/**
 * Starts PostgreSQL for a data folder, or joins the server that already runs there. Any number of processes
 * may do so at once.
 *
 * @throws {AppError} DATA_DIR_UNUSABLE (no permission, another major version), DATABASE_UNAVAILABLE (no
 * binaries for this platform, no account to run it, it does not start).
 */
export async function startEmbedded(
  deps: EmbeddedDeps,
  { dataDir, temporary = false, settings = {}, onLog }: EmbeddedOptions,
): Promise<EmbeddedServer> {
  const binaries = await findBinaries();
  const account = await postgresAccount();
  const places = await preparePlaces(account, binaries, dataDir);
  const prepared: Prepared = {
    account,
    places,
    passwords: await readPasswords(places),
    // LC_ALL: the messages, by which people and we tell failures apart, stay English.
    env: { PATH: deps.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    temporary,
    settings: serverSettings(places.socketDir, temporary, settings),
    onLog: onLog ?? ((line) => logLine(deps.log, line)),
  };
  await ensureCluster({ ...prepared, password: prepared.passwords.postgres });

  const until = deps.clock.now().getTime() + HELD_FOR_MS;
  for (;;) {
    try {
      return (await join(deps, prepared)) ?? (await start(deps, prepared));
    } catch (error) {
      const held = error instanceof AppError && error.details['held'] === true;
      if (!held || deps.clock.now().getTime() > until) {
        throw error;
      }
      await deps.clock.sleep(100, NEVER);
    }
  }
}

async function join(deps: EmbeddedDeps, prepared: Prepared): Promise<EmbeddedServer | undefined> {
  const found = await settledServer(deps.clock, prepared.places, READY_WITHIN_MS);
  if (found === undefined) {
    return undefined;
  }
  try {
    await prepareRoles(prepared);
  } catch (error) {
    // Its process may have been killed a moment ago, and it follows: then the next look finds it gone.
    const going = error instanceof AppError && error.code === 'DATABASE_UNAVAILABLE';
    throw going ? unavailable('the running PostgreSQL went away', { held: true, error }) : error;
  }
  deps.log.debug({ pid: found.pid }, 'using the PostgreSQL that already runs');
  return {
    ...describe(prepared, found.pid),
    reused: true,
    untilEnded: (signal) => untilGone(deps.clock, prepared.places, found.pid, signal),
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

async function start(deps: EmbeddedDeps, prepared: Prepared): Promise<EmbeddedServer> {
  const { places } = prepared;
  await removeStaleFile(places.clusterDir);
  await makeSocketDir(prepared.account, places);
  const launched = launch(prepared);
  const found = await launchedServer(deps.clock, places, launched.ended, READY_WITHIN_MS);
  if (found === undefined) {
    launched.askToStop();
    const reason = await launched.ended;
    const held =
      /lock file .* already exists|shared memory block .* still in use|could not create lock file .*: No such file/.test(
        reason,
      );
    throw unavailable(`PostgreSQL did not start: ${reason}`, { held });
  }

  const stop = async (): Promise<void> => {
    await stopServer(deps.clock, launched, found.pid);
    // Only when empty: another process may have started the next server meanwhile.
    await rmdir(places.socketDir).catch(() => {});
    if (prepared.temporary) {
      await rm(places.home, { recursive: true, force: true });
    }
  };
  try {
    await prepareRoles(prepared);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...describe(prepared, found.pid),
    reused: false,
    untilEnded: async (signal) => {
      await Promise.race([launched.ended, aborted(signal)]);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function describe({ places, passwords }: Prepared, pid: number) {
  return {
    connection: socketUrl(places.socketDir, 'autodev', passwords.autodev, 'autodev'),
    admin: socketUrl(places.socketDir, 'postgres', passwords.postgres, 'postgres'),
    pid,
    clusterDir: places.clusterDir,
    binariesDir: places.binariesDir,
  };
}

async function stopServer(clock: Clock, launched: Launched, pid: number): Promise<void> {
  const ended = new AbortController();
  launched.askToStop();
  const gone = launched.ended.then(() => ended.abort());
  await clock.sleep(STOPPED_WITHIN_MS, ended.signal);
  if (!ended.signal.aborted) {
    // Immediate shutdown: nothing that was committed is lost, the next start replays it.
    signalIfThere(pid, 'SIGQUIT');
  }
  await gone;
}

/** A postmaster may end by itself just before it is told to. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}

async function prepareRoles({ places, passwords }: Prepared): Promise<void> {
  const admin = socketUrl(places.socketDir, 'postgres', passwords.postgres, 'postgres');
  try {
    await ensureRoles({ admin, password: passwords.autodev });
  } catch (error) {
    if (error instanceof AppError && error.code === 'SETTINGS_INVALID') {
      throw new AppError(
        'DATA_DIR_UNUSABLE',
        `the passwords in ${places.home} do not fit its database`,
        {
          cause: error,
          remedy:
            'restore its *.password files together with the cluster, or remove the folder to begin anew',
        },
      );
    }
    throw error;
  }
}

async function readPasswords({ home }: Places): Promise<Prepared['passwords']> {
  try {
    return {
      postgres: await passwordOf(home, 'postgres'),
      autodev: await passwordOf(home, 'autodev'),
    };
  } catch (error) {
    throw new AppError('DATA_DIR_UNUSABLE', `cannot keep the database's passwords in ${home}`, {
      cause: error,
      remedy: 'run as the user who made the folder, or choose another with --data or AUTODEV_DATA',
    });
  }
}

function unavailable(
  message: string,
  { held, error }: { held: boolean; error?: unknown },
): AppError {
  return new AppError('DATABASE_UNAVAILABLE', message, {
    cause: error,
    remedy: 'look at the reason, or set DATABASE_URL to a PostgreSQL server',
    details: { held },
  });
}

/** `LOG` is how PostgreSQL says that all is well: starting, ready, a checkpoint. */
function logLine(log: Log, line: string): void {
  const level = / (LOG|WARNING|ERROR|FATAL|PANIC):/.exec(line)?.[1];
  if (level === 'LOG' || level === undefined) {
    log.debug({ line }, 'postgres');
  } else {
    log.warn({ line }, 'postgres');
  }
}
