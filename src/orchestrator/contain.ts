import type { Db } from '../db/db.ts';
import type { Sweep } from '../db/setbacks.ts';
import { clearSetback, recordSetback } from '../db/setbacks.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';

interface Row {
  readonly sweep: Sweep;
  readonly rowId: number;
}

/**
 * Handles one row of a sweep. Where that fails for a reason of its own, a bug above all, the row is set aside with
 * the error and tried again later, and the others go on: to crash would bring down every orchestrator that comes to
 * this row after us, at each start. What passes by itself (the database is away) is thrown: it is no fault of a row.
 * True when it was handled. Who knows that the row was not set aside before saves a query by saying so.
 */
export async function contain(
  { db, log }: { db: Db; log: Log },
  row: Row,
  work: () => Promise<void>,
  { wasSetAside = true }: { readonly wasSetAside?: boolean } = {},
): Promise<boolean> {
  try {
    await work();
  } catch (error) {
    if (isPassing(error)) {
      throw error;
    }
    await setAside({ db, log }, row, error);
    return false;
  }
  if (wasSetAside) {
    await clearSetback(db, row);
  }
  return true;
}

/** Loud: a bug that is contained is still a bug. */
export async function setAside(
  { db, log }: { db: Db; log: Log },
  row: Row,
  error: unknown,
): Promise<void> {
  const { again } = await recordSetback(db, { ...row, error: describe(error) });
  log.error({ err: error, ...row, again }, 'a row could not be handled and is set aside');
}

/** Whether the same may succeed in a moment without anybody changing anything. */
export function isPassing(error: unknown): boolean {
  return error instanceof AppError && error.retryable;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
