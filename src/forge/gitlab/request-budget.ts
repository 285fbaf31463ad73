import type { Db } from '../../db/db.ts';
import { blockForge, lowerForgeBudget, takeForgeRequest } from '../../db/forge-budget.ts';

/** What may be sent to a host, decided for all processes together. */
export interface RequestBudget {
  /** 0: send it now. Else the milliseconds until it is worth asking again. */
  take(): Promise<number>;
  /** What an answer's headers say of the forge's own limit. */
  learn(limit: { limit: number; remaining: number; resetMs: number }): Promise<void>;
  /** The forge refused for so long. */
  block(ms: number): Promise<void>;
}

/** GitLab.com allows 2,000 a minute to one person; other people's tools share a server of one's own. */
const PER_MINUTE = 1200;
/** Only a window that runs out is worth a statement. */
const LOW = 0.1;

export function createRequestBudget({
  db,
  host,
  perMinute = PER_MINUTE,
}: {
  db: Db;
  host: string;
  perMinute?: number;
}): RequestBudget {
  return {
    take: () => takeForgeRequest(db, { host, perMinute }),
    async learn({ limit, remaining, resetMs }) {
      if (remaining <= limit * LOW) {
        await lowerForgeBudget(db, { host, remaining, resetMs });
      }
    },
    block: (ms) => blockForge(db, { host, ms }),
  };
}
