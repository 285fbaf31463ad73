import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../kernel/clock.ts';
import type { ProviderEvent, ProviderVerdict, TokenUsage } from './provider-event.ts';
import type { PrintedLine, ProviderParser } from './provider.ts';
import { addUsage, NO_TOKENS } from './usage-since.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'test', 'data', 'cli');

/** One run of a real program: what it printed, and its exit code. */
export interface Recording {
  readonly name: string;
  readonly lines: readonly PrintedLine[];
  readonly code: number;
}

export interface Replay {
  readonly events: readonly ProviderEvent[];
  readonly verdict: ProviderVerdict;
  /** The sum of the usage events. */
  readonly used: TokenUsage;
}

/** The moment at which recordings are read. */
export const NOW = new Date('2026-11-22T15:00:00Z');

export const fixedClock: Clock = {
  now: () => NOW,
  sleep: () => Promise.resolve(),
};

/** All recordings of one program. */
export function readRecordings(program: 'codex' | 'claude'): Recording[] {
  const folder = join(FOLDER, program);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.exit'))
    .map((file) => {
      const name = file.slice(0, -'.exit'.length);
      const exit: { exit: number } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      const read = (stream: PrintedLine['stream'], ending: string): PrintedLine[] =>
        readFileSync(join(folder, `${name}.${ending}`), 'utf8')
          .split('\n')
          .filter((text) => text !== '')
          .map((text) => ({ stream, text }));
      return {
        name,
        lines: [...read('stdout', 'jsonl'), ...read('stderr', 'stderr')],
        code: exit.exit,
      };
    });
}

export function replay(
  parser: ProviderParser,
  { lines, code }: Pick<Recording, 'lines' | 'code'>,
): Replay {
  const events = lines.flatMap((line) => parser.line(line));
  const verdict = parser.end({ code, signal: undefined });
  const used = events
    .filter((event) => event.type === 'usage')
    .reduce<TokenUsage>((sum, event) => addUsage(sum, event), NO_TOKENS);
  return { events, verdict, used };
}
