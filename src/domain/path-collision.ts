import { foldPath } from './unsafe-path.ts';

/** What a change does to one path; the letters are git's. */
interface PathStep {
  readonly path: string;
  readonly oldPath?: string;
  readonly status: 'A' | 'M' | 'D' | 'R' | 'C' | 'T';
}

/**
 * New paths that some file system takes for another path of the result, each with the first such path:
 * `Docs/a` beside `docs/b`, or two unicode forms of one name.
 *
 * @param treePaths every path of the tree before the change
 */
export function findCollisions(
  steps: readonly PathStep[],
  treePaths: Iterable<string>,
): { path: string; other: string }[] {
  const added = steps.filter(({ status }) => status === 'A' || status === 'R' || status === 'C');
  if (added.length === 0) {
    return [];
  }

  const gone = new Set(
    steps
      .filter(({ status }) => status === 'D' || status === 'R')
      .map(({ path, oldPath }) => oldPath ?? path),
  );
  const owners = new Map<string, string>();
  for (const path of treePaths) {
    if (!gone.has(path)) {
      claimPath(owners, path);
    }
  }
  return added.flatMap(({ path }) => {
    const other = claimPath(owners, path);
    return other === undefined ? [] : [{ path, other }];
  });
}

/** Enters a path and its folders; returns the first that stands there under another spelling. */
function claimPath(owners: Map<string, string>, path: string): string | undefined {
  let collision: string | undefined;
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const prefix = end < 0 ? path : path.slice(0, end);
    const folded = foldPath(prefix);
    const owner = owners.get(folded);
    if (owner === undefined) {
      owners.set(folded, prefix);
    } else if (owner !== prefix) {
      collision ??= owner;
    }
    if (end < 0) {
      return collision;
    }
  }
}
