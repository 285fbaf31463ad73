import { POLICY_ACTOR } from '../domain/policy-actor.ts';
import { pause } from './controls.ts';
import type { Queryable } from './db.ts';
import { syncPauses } from './holds.ts';
import { lockPauses } from './pause-lock.ts';
import { sql } from './sql.ts';

/** A pause that the policy asks for, or one that stands. */
export interface PolicyPause {
  readonly repoId: number;
  readonly reason: string;
  readonly until: Date;
}

/** The pauses of repositories in the policy's name that hold now. */
export function listPolicyPauses(db: Queryable): Promise<PolicyPause[]> {
  return db.query<PolicyPause>(sql`
    select repo_id as "repoId", reason, until from control
    where verb = 'pause' and lifted_at is null and actor = ${POLICY_ACTOR} order by repo_id
  `);
}

/** Pauses a repository in the policy's name, instead of any earlier such pause of it. */
export async function setPolicyPause(
  tx: Queryable,
  { repoId, reason, until }: PolicyPause,
): Promise<void> {
  await endPauses(tx, repoId);
  await pause(tx, { scope: { repoId }, actor: POLICY_ACTOR, reason, until });
}

/** Ends what the policy paused of a repository, and nothing that people did. Call `notifyWork` after the commit. */
export async function liftPolicyPause(tx: Queryable, repoId: number): Promise<void> {
  await endPauses(tx, repoId);
  await syncPauses(tx, { repoId });
}

async function endPauses(tx: Queryable, repoId: number): Promise<void> {
  await lockPauses(tx, 'who_changes_pauses');
  await tx.query(sql`
    update control set lifted_at = now(), lifted_by = ${POLICY_ACTOR}
    where verb = 'pause' and lifted_at is null and actor = ${POLICY_ACTOR} and repo_id = ${repoId}
  `);
}
