import type { Git, GitPlace } from '../git.ts';

const DIFF = ['--no-ext-diff', '--no-textconv', '--no-renames', '--full-index', '--no-color'];

/** Patch ids of the commits that `range` names, each with its commit. Merges have none. */
export async function patchIds(
  { git }: { git: Git },
  { place, range, maxCommits }: { place: GitPlace; range: readonly string[]; maxCommits: number },
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const printed = await git.pipe(
    place,
    [
      'log',
      '-p',
      '--no-merges',
      '--format=commit %H',
      `--max-count=${maxCommits}`,
      ...DIFF,
      ...range,
    ],
    ['patch-id', '--stable'],
    signal,
  );
  const pairs = printed.split('\n').filter((line) => line !== '');
  return new Map(pairs.map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
}

/** The patch id of everything between two commits as one change; undefined when they are the same tree. */
export async function rangePatchId(
  { git }: { git: Git },
  { place, from, to }: { place: GitPlace; from: string; to: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const printed = await git.pipe(
    place,
    ['diff-tree', '-p', ...DIFF, from, to],
    ['patch-id', '--stable'],
    signal,
  );
  return printed === '' ? undefined : printed.split(' ')[0];
}
