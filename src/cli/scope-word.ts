import { oneLine } from './output.ts';

/** What a pause is about: `builder on demo`, `demo`, `the whole fleet`. */
export function scopeWord(repo: string | undefined, agent: string | undefined): string {
  if (repo === undefined) {
    return 'the whole fleet';
  }
  return oneLine(agent === undefined ? repo : `${agent} on ${repo}`);
}
