import type { Db } from '../db/db.ts';
import type { Forge } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';

/** What deciding about gates and merge requests needs. */
export interface GateDeps {
  db: Db;
  clock: Clock;
  log: Log;
  forge: Forge;
  /** The operating-system user of local mode, whose one vote meets every rule. */
  operator: string;
  matches: (glob: string, path: string) => boolean;
}
