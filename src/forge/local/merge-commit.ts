import type { ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import { placeOf, requireFolders } from './place.ts';

/**
 * The commit that brought `head` into `main`, which must hold it: the first one on main's own line of first
 * parents that contains it; `head` itself after a fast-forward. It stays the same when main goes on.
 */
export async function findMergeCommit(
  { git }: { git: Git },
  { location }: Pick<ForgeRepo, 'location'>,
  { head, main }: { head: string; main: string },
  signal: AbortSignal,
): Promise<string> {
  const place = placeOf(requireFolders(location));
  // Asked apart: together, git follows first parents only and misses what came through a second one.
  const [line, descendants] = await Promise.all([
    git.text(place, ['rev-list', '--first-parent', '--parents', main, `^${head}`], signal),
    git.text(place, ['rev-list', '--ancestry-path', main, `^${head}`], signal),
  ]);
  const holders = new Set(descendants.split('\n'));
  const first = line
    .split('\n')
    .map((entry) => entry.split(' '))
    .findLast(([commit]) => commit !== undefined && holders.has(commit));
  const [commit, parent] = first ?? [];
  return commit === undefined || commit === '' || parent === head ? head : commit;
}
