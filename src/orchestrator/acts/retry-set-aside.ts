import { writeAudit } from '../../db/audit.ts';
import type { Db } from '../../db/db.ts';
import type { SetAside } from '../../db/setbacks.ts';
import { tryAgain } from '../../db/setbacks.ts';
import { AppError } from '../../kernel/errors.ts';

/**
 * Lets rows be tried again that could not be handled, after the cause was mended: one, or all of them. Throws
 * NOT_FOUND for a row that is not set aside; that there is none at all is no error.
 */
export async function retrySetAside(
  { db }: { db: Db },
  row: SetAside | undefined,
  { actor }: { actor: string },
): Promise<{ retried: number }> {
  return db.transaction(async (tx) => {
    const rows = await tryAgain(tx, row);
    if (row !== undefined && rows.length === 0) {
      throw new AppError('NOT_FOUND', `${row.sweep}:${row.rowId} is not set aside`, {
        remedy: '`autodev status` shows the rows that are.',
      });
    }
    if (rows.length > 0) {
      await writeAudit(tx, {
        actor,
        action: 'setback.retry',
        target: row === undefined ? 'all' : `${row.sweep}:${row.rowId}`,
        detail: { rows: rows.map(({ sweep, rowId }) => `${sweep}:${rowId}`) },
      });
    }
    return { retried: rows.length };
  });
}
