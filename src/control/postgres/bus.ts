import type { Db } from '../../db/db.ts';
import type { ControlBus } from '../control-bus.ts';

/**
 * The bus without Redis: `NOTIFY`. Rows send theirs in their own transaction (it leaves with the commit, whatever
 * happens to the process then), so there is nothing to publish afterwards; a lost connection is the database's to
 * report.
 */
export function createPostgresBus({ db }: { db: Pick<Db, 'listen'> }): ControlBus {
  let received = 0;
  let published = 0;
  const closed = new AbortController();
  return {
    publish: () => {
      published += 1;
    },
    listen: (topic, onHint, signal) =>
      db.listen(
        topic,
        (id) => {
          received += 1;
          onHint(id);
        },
        AbortSignal.any([signal, closed.signal]),
      ),
    status: () => ({
      kind: 'postgres',
      up: true,
      detail: "PostgreSQL's notifications",
      counts: { published, dropped: 0, received, refused: 0, gathered: 0, lost: 0 },
    }),
    async [Symbol.asyncDispose]() {
      closed.abort();
    },
  };
}
