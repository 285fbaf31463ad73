import type { Registry } from 'prom-client';

import type { Db } from '../../db/db.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Access } from './access.ts';
import type { Acts } from './acts.ts';

/** One part of the process that must work before it takes requests. */
export interface ReadyCheck {
  name: string;
  ok: boolean;
  detail?: string;
}

export interface ApiDeps {
  db: Db;
  /** How changes are heard of, by channel; without it `db` listens for all. */
  hearing?: Pick<Db, 'listen'>;
  acts: Acts;
  access: Access;
  /** Who acts and votes: in local mode the user of the operating system, who is the owner of all. */
  operator: string;
  clock: Clock;
  log: Log;
  /** What `/readyz` asks beside the database. */
  ready?: () => Promise<readonly ReadyCheck[]>;
  /** Whose numbers `/metrics` shows. */
  registry: Registry;
  /** Ends what streams while the server closes. */
  stop: AbortSignal;
}
