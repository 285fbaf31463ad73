import type { Queryable } from './db.ts';
import { listChain } from './job-chain.ts';

/**
 * Everybody who triggered, answered or wrote the task of a job in the chain: one voter of several at most, and
 * never the only one.
 */
export async function requestersOf(db: Queryable, rootId: number): Promise<string[]> {
  const chain = await listChain(db, rootId);
  const names = chain.flatMap(({ trigger, input }) => [
    trigger.actor,
    ...input.map(({ author }) => author),
  ]);
  return [...new Set(names)].filter((name) => name !== 'autodev').sort();
}
