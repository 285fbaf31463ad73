import type { Condition } from '../../domain/conditions.ts';
import type { RunnerBox } from '../../domain/sandbox-state.ts';
import { sandboxCondition } from '../../domain/sandbox-state.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';

/**
 * Whether workers are kept in a box, from the runners that are alive now: nothing is stored that could be out of
 * date. Its time is that of the newest registration. Undefined while no runner is active.
 */
export async function readSandbox(db: Queryable): Promise<Condition | undefined> {
  const rows = await db.query<{ sandbox: RunnerBox; started_at: Date }>(sql`
    select sandbox, started_at from runner where state = 'active' and lease_until > now()`);
  const update = sandboxCondition(rows.map(({ sandbox }) => sandbox));
  return (
    update && {
      ...update,
      lastTransitionTime: Math.max(...rows.map(({ started_at: at }) => at.getTime())),
    }
  );
}

/** A repository's conditions with what holds for the fleet at this moment. */
export function withSandbox(
  conditions: readonly unknown[],
  sandbox: Condition | undefined,
): unknown[] {
  const others = conditions.filter(
    (one) =>
      !(
        typeof one === 'object' &&
        one !== null &&
        'type' in one &&
        one.type === 'SandboxAvailable'
      ),
  );
  return sandbox === undefined ? others : [...others, sandbox];
}
