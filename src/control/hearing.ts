import type { Db } from '../db/db.ts';
import type { ControlBus } from './control-bus.ts';
import { isTopic } from './control-bus.ts';

/** Listens on the bus for what travels there, and to PostgreSQL for the rest: for whoever knows channels by name. */
export function createHearing({
  db,
  bus,
}: {
  db: Pick<Db, 'listen'>;
  bus: Pick<ControlBus, 'listen'>;
}): Pick<Db, 'listen'> {
  return {
    listen: (channel, onMessage, signal) =>
      isTopic(channel)
        ? bus.listen(channel, onMessage, signal)
        : db.listen(channel, onMessage, signal),
  };
}
