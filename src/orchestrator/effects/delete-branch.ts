import type { Effect } from '../../db/effects.ts';
import { getRepo } from '../../db/repos.ts';
import { AppError } from '../../kernel/errors.ts';
import type { CarriedOut, EffectDeps } from '../effect-handler.ts';

/** Deletes a merged branch of ours, our own act without a job; one that moved since it was merged stays. */
export async function deleteBranch(
  { db, forge }: Pick<EffectDeps, 'db' | 'forge'>,
  { id, repoId, payload: { branch, head } }: Effect,
  signal: AbortSignal,
): Promise<CarriedOut> {
  if (typeof branch !== 'string' || typeof head !== 'string') {
    throw new AppError('INVALID_REQUEST', `effect ${id} names no branch`);
  }
  await forge.deleteBranch(await getRepo(db, repoId), { branch, head }, signal);
  return { result: { branch, head } };
}
