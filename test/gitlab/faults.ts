/** What a server, a proxy or a network does instead of answering. */
export type Fault =
  /** An error of GitLab's own: JSON with a message. `retryAfter` is what the header says, seconds or an HTTP date. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** Nothing is ever answered; the connection stays open. */
  | { readonly kind: 'hang' }
  /** The connection is reset before anything is answered, after the request was carried out when `after` is set. */
  | { readonly kind: 'reset'; readonly after?: boolean }
  /** 200 and the real answer cut in the middle. */
  | { readonly kind: 'bad_json' }
  /** A page of a proxy or of GitLab's front end, with 200 unless said otherwise. */
  | { readonly kind: 'html'; readonly status?: number }
  /** The content length of the whole answer, but only half of it, then the end. */
  | { readonly kind: 'half' }
  | { readonly kind: 'redirect'; readonly location: string }
  /** The answer comes only after this time of the server's clock. */
  | { readonly kind: 'slow'; readonly ms: number };

export interface FaultRule {
  /** Matched against `GET /api/v4/projects/7/hooks` (also git's and GraphQL's paths); a text must be contained. */
  readonly on: RegExp | string;
  readonly fault: Fault;
  /** How often; default once. */
  readonly times?: number;
  /** Lets this many matching requests pass first. */
  readonly after?: number;
}

export interface Faults {
  add(rule: FaultRule): void;
  /**
   * From now on a request fails with this chance, from a seeded sequence: the same seed and the same requests fail
   * the same way. Writes that were carried out and whose answer was lost are among the faults.
   */
  random(options: { seed: number; rate: number; on?: RegExp }): void;
  clear(): void;
  /** The fault of this request, used up by asking. */
  take(request: string): Fault | undefined;
}

const RANDOM_FAULTS: readonly Fault[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 502 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, retryAfter: '0' },
  { kind: 'html', status: 502 },
  { kind: 'bad_json' },
  { kind: 'half' },
  { kind: 'reset' },
  { kind: 'reset', after: true },
];

export function createFaults(): Faults {
  let rules: { rule: FaultRule; left: number; skip: number }[] = [];
  let chance: { next: () => number; rate: number; on: RegExp } | undefined;

  return {
    add(rule) {
      rules.push({ rule, left: rule.times ?? 1, skip: rule.after ?? 0 });
    },
    random({ seed, rate, on = /./ }) {
      chance = { next: seededRandom(seed), rate, on };
    },
    clear() {
      rules = [];
      chance = undefined;
    },
    take(request) {
      for (const entry of rules) {
        if (entry.left > 0 && matches(entry.rule.on, request)) {
          if (entry.skip > 0) {
            entry.skip -= 1;
            continue;
          }
          entry.left -= 1;
          return entry.rule.fault;
        }
      }
      if (chance?.on.test(request) && chance.next() < chance.rate) {
        return RANDOM_FAULTS[Math.floor(chance.next() * RANDOM_FAULTS.length)];
      }
      return undefined;
    },
  };
}

/** mulberry32: short, and the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = Math.trunc(seed);
  return () => {
    state = Math.trunc(state + 0x6d2b79f5);
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function matches(on: RegExp | string, request: string): boolean {
  return typeof on === 'string' ? request.includes(on) : on.test(request);
}
