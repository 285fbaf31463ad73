import { endReasonPolicy } from '../domain/end-reason.ts';
import type { Failure } from './box-run.ts';
import type { ClaimedAttempt } from './claim.ts';
import type { Result } from './take-result.ts';

const MOST_DIFF = 14_000;
const MOST_WORDS = 3_000;

/**
 * What the next attempt is told of one that was broken off: why it ended, what its worker said last, and what it had
 * changed, which is not in the next one's checkout. Undefined where there is nothing to go on with.
 */
export function handOverOf(
  { provider, attempt }: Pick<ClaimedAttempt, 'provider' | 'attempt'>,
  { failure, lastWords, change }: { failure: Failure; lastWords: string; change: Result['change'] },
): string | undefined {
  if (lastWords === '' && change === undefined) {
    return undefined;
  }
  const model = attempt.model === null ? '' : ` (${attempt.model})`;
  return [
    `Attempt ${attempt.attempt} was made by ${provider.name}${model} and ended with ${failure.reason}: ${failure.detail}`,
    ...(lastWords === '' ? [] : [`What it said last:\n${cut(lastWords, MOST_WORDS)}`]),
    change === undefined
      ? 'It had changed nothing.'
      : `What it had changed. The working directory does not have it; do it again as far as it is right:\n${cut(change.diff, MOST_DIFF)}`,
  ].join('\n\n');
}

/** Whether what an attempt did is worth telling to the next: there is one, and a model reads it. */
export function isHandedOver({ reason }: Failure, { kind }: { kind: string }): boolean {
  return kind !== 'none' && (endReasonPolicy(reason).retry || reason === 'budget');
}

function cut(text: string, most: number): string {
  return text.length <= most
    ? text
    : `${text.slice(0, most)}\n[${text.length - most} more characters]`;
}
