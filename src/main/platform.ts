import { readFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';

import picomatch from 'picomatch';
import { pino } from 'pino';

import type { ProcessOptions } from '../cli/processes.ts';
import type { NextCronTime } from '../config/cron-times.ts';
import { createCronTimes } from '../config/cron-times.ts';
import type { Roles } from '../config/roles.ts';
import { readRoles } from '../config/roles.ts';
import type { Settings } from '../config/settings.ts';
import { readSettings } from '../config/settings.ts';
import type { ControlBus } from '../control/control-bus.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import { createZoneOffset } from '../domain/zone-offset.ts';
import type { Forges } from '../forge/forges.ts';
import { createForges } from '../forge/forges.ts';
import type { Git } from '../forge/git.ts';
import { createGit } from '../forge/git.ts';
import { createLocalForge } from '../forge/local/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { openControlBus } from './control-bus.ts';
import type { DataDir } from './data-dir.ts';
import { openDataDir } from './data-dir.ts';
import type { Database } from './database.ts';
import { openDatabase } from './database.ts';
import { openGitlab } from './gitlab.ts';
import type { LivePolicy } from './live-policy.ts';
import { openPolicy } from './live-policy.ts';

/** Our name on merges and branches. */
const IDENTITY = { name: 'Auto-Dev', email: 'autodev@localhost' };

/** What every process of ours is made of. */
export interface Platform extends Database {
  readonly settings: Settings;
  readonly data: DataDir;
  readonly clock: Clock;
  readonly log: Log;
  readonly git: Git;
  readonly forge: Forges;
  /** Carries hints between processes. */
  readonly bus: ControlBus;
  readonly policy: LivePolicy;
  readonly roles: Roles;
  readonly identity: typeof IDENTITY;
  /** The operating-system user: in local mode the owner of everything. */
  readonly operator: string;
  /** Names this process in leases. */
  readonly owner: string;
  readonly searchPath: string;
  readonly matches: (glob: string, text: string) => boolean;
  readonly nextCronTime: NextCronTime;
  readonly zoneOffset: ZoneOffset;
}

/** Reads the settings and opens what they name. Dispose of it last: it closes the database. */
export async function openPlatform(options: ProcessOptions): Promise<Platform> {
  const { env, cwd, dataDir } = options;
  const clock = systemClock;
  const settings = readSettings(env, { readFile: (path) => readFileSync(path, 'utf8') });
  const log: Log = pino({ level: logLevel(options, settings) }, pino.destination(1));
  for (const name of settings.unknown) {
    log.warn({ name }, 'a variable of the environment means nothing');
  }

  const searchPath = env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  const data = await openDataDir(dataDir ?? settings.AUTODEV_DATA, cwd);
  const policy = await openPolicy({ clock, log }, settings.AUTODEV_POLICY);
  const roles = await readRoles();
  const git = createGit({ path: searchPath, clock });
  const matches = globMatcher();
  const database = await openDatabase(
    { clock, log },
    { url: settings.DATABASE_URL, data, searchPath },
  );
  const bus = await openControlBus({ ...database, clock, log }, settings).catch(
    async (error: unknown) => {
      await database[Symbol.asyncDispose]();
      throw error;
    },
  );

  const local = createLocalForge({ git, clock, scratch: tmpdir(), identity: IDENTITY });
  const gitlab = await openGitlab({ ...database, settings, git, clock, log, data, matches }).catch(
    async (error: unknown) => {
      await bus[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      throw error;
    },
  );

  return {
    ...database,
    settings,
    data,
    clock,
    log,
    git,
    forge: createForges({ local, gitlab }),
    bus,
    policy,
    roles,
    searchPath,
    identity: IDENTITY,
    operator: userInfo().username,
    owner: `${hostname()}/${process.pid}`,
    matches,
    nextCronTime: createCronTimes(),
    zoneOffset: createZoneOffset(),
    [Symbol.asyncDispose]: async () => {
      policy[Symbol.dispose]();
      await bus[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A person at a terminal wants to read what matters; whoever collects logs wants all of them. */
function logLevel({ env, stdout }: ProcessOptions, settings: Settings): string {
  const atTerminal = 'isTTY' in stdout && stdout.isTTY === true;
  return atTerminal && !env['LOG_LEVEL'] ? 'warn' : settings.LOG_LEVEL;
}

/** Names that begin with a dot are names like any other; patterns are compiled once. */
function globMatcher(): (glob: string, text: string) => boolean {
  const compiled = new Map<string, (text: string) => boolean>();
  return (glob, text) => {
    const matcher = compiled.get(glob) ?? picomatch(glob, { dot: true });
    compiled.set(glob, matcher);
    return matcher(text);
  };
}
