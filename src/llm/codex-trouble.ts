import { resetTime } from './reset-time.ts';
import type { Trouble } from './trouble.ts';
import { rateTrouble } from './trouble.ts';

/** The gateway's refusals carry its name: a 402 without it comes from the provider, and is about the account. */
const OUR_GATEWAY = 'Auto-Dev gateway';

/**
 * Codex says what went wrong in sentences alone (as of 0.169.0, where each was recorded). They are matched at their
 * beginning, where its own words stand; what a server said comes after them.
 */
const SENTENCES: readonly (readonly [RegExp, (text: string, now: Date) => Trouble])[] = [
  [
    /^You['’]ve hit your usage limit/,
    (text, now) => rateTrouble({ hard: true, until: resetTime(text, now), now }),
  ],
  [
    /^(?:rate limit exceeded:|exceeded retry limit, last status: 429\b|unexpected status 429\b)/,
    (text, now) => rateTrouble({ hard: false, until: resetTime(text, now), now }),
  ],
  [/^Quota exceeded\b/, () => ({ kind: 'auth' })],
  [
    /^(?:exceeded retry limit, last|unexpected) status:? 402\b/,
    (text) => ({ kind: text.includes(OUR_GATEWAY) ? 'budget' : 'auth' }),
  ],
  [/^(?:exceeded retry limit, last|unexpected) status:? 401\b/, () => ({ kind: 'auth' })],
  [/^Missing environment variable\b/, () => ({ kind: 'auth' })],
  [/^Codex ran out of room in the model['’]s context window/, () => ({ kind: 'context' })],
  [/^(?:exceeded retry limit, last|unexpected) status:? 5\d\d\b/, () => ({ kind: 'overloaded' })],
  [/^Selected model is at capacity\b/, () => ({ kind: 'overloaded' })],
  [/^We['’]re currently experiencing high demand\b/, () => ({ kind: 'overloaded' })],
  [
    /^(?:stream disconnected before completion|Connection failed)\b/,
    () => ({ kind: 'overloaded' }),
  ],
];

/** What a sentence of Codex's own `error` and `turn.failed` events says. */
export function codexTrouble(text: string, now: Date): Trouble {
  const found = SENTENCES.find(([sentence]) => sentence.test(text));
  return found === undefined ? { kind: 'other' } : found[1](text, now);
}
