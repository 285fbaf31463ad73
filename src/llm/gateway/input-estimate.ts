import type { Seen } from './body-rules.ts';

/** How many tokens a request's input comes to, before anybody has counted them. */
interface InputEstimate {
  /** About right, rather too high. */
  readonly likely: number;
  /** Never less than it is: a token is at least one byte. */
  readonly most: number;
}

interface InputSize {
  readonly bytes: number;
  readonly seen: Readonly<Seen>;
}

export interface InputEstimator {
  estimate(size: InputSize): InputEstimate;
  /** The provider counted `tokens` for a request of this size. */
  learn(size: InputSize, tokens: number): void;
}

/** English in JSON has 4 bytes a token, code 3; the tokenizers of 2026 make up to a third more of both. */
const FIRST_RATE = 1 / 3;
/** What comes next may be denser than what was seen. */
const HEADROOM = 1.15;
const LEAST_RATE = 1 / 6;
/** What providers add of their own: a tool's frame, a system prompt for tools. */
const FIXED_TOKENS = 512;
/** An image of the largest size that a provider does not shrink first, as usually billed and at most. */
const IMAGE = { likely: 3_000, most: 12_000 };
/** A smaller request says nothing about a larger one: what is added weighs more than its text. */
const LEAST_BYTES = 4_096;
/** The rate is the highest of so many calls: a conversation changes slowly. */
const REMEMBERED = 16;

/**
 * Estimates by bytes, at a rate that is learnt from what the calls of one attempt really counted. By bytes alone the
 * input would be overstated about fourfold, and sub-agents that work side by side refused early.
 */
export function createInputEstimator(): InputEstimator {
  const rates: number[] = [];
  return {
    estimate({ bytes, seen }) {
      const textBytes = Math.max(0, bytes - seen.imageBytes);
      const learnt = rates.length === 0 ? FIRST_RATE : Math.max(...rates) * HEADROOM;
      const rate = Math.min(1, Math.max(LEAST_RATE, learnt));
      const most = textBytes + FIXED_TOKENS + seen.images * IMAGE.most;
      const likely = Math.ceil(textBytes * rate) + FIXED_TOKENS + seen.images * IMAGE.likely;
      return { likely: Math.min(likely, most), most };
    },
    learn({ bytes, seen }, tokens) {
      const textBytes = bytes - seen.imageBytes;
      if (textBytes < LEAST_BYTES) {
        return;
      }
      const ofText = Math.max(0, tokens - seen.images * IMAGE.likely);
      rates.push(ofText / textBytes);
      rates.splice(0, rates.length - REMEMBERED);
    },
  };
}
