import { noteReview } from '../db/forge-reviews.ts';
import type { ForgeVerdict } from '../domain/forge-question.ts';
import type { ReviewContext } from './review-context.ts';
import type { ReviewDeps } from './review-deps.ts';

/**
 * Reminds people once of what has waited for them for as long as its rules say: a note of its own, because an edited
 * one notifies nobody. It names those whom the rules name.
 */
export async function remindPeople(
  { db, review, clock }: Pick<ReviewDeps, 'db' | 'review' | 'clock'>,
  { row, gate }: ReviewContext,
  verdict: ForgeVerdict,
  signal: AbortSignal,
): Promise<void> {
  const times = gate?.rules.flatMap(({ rule }) => rule.remindMs ?? []) ?? [];
  if (!gate || verdict.state !== 'waiting' || row.remindedAt !== null || times.length === 0) {
    return;
  }
  const dueAt = gate.openedAt.getTime() + Math.min(...times);
  if (clock.now().getTime() < dueAt) {
    return;
  }
  const names = [...new Set(gate.rules.flatMap(({ rule }) => rule.users))];
  const who = names.map((name) => `@${name}`).join(' ');
  const body = `${who} This has waited for you since ${gate.openedAt.toISOString().slice(0, 10)}. ${verdict.missing.join(' ')}`;
  const target = { kind: 'merge_request', number: row.number } as const;
  const marker = `reminder:g_${gate.id}`;
  await review.putNote(row.repo, { target, marker, body: body.trim() }, signal);
  await db.transaction((tx) => noteReview(tx, row, { reminded: true }));
}
