import type { Forge, ForgeFile, ForgeRepo } from '../forge/forge.ts';

/** The commits of a merge: what both sides have in common, what is merged, and what it is merged into. */
export interface ThreeCommits {
  readonly base: string;
  readonly head: string;
  readonly target: string;
}

export interface MergedFiles extends Pick<Forge, 'readFile'> {
  /** Paths that both sides changed, each in its own way: what a merge would give is not known. */
  readonly clashes: ReadonlySet<string>;
}

/**
 * Reads files as they would be after a merge, without making it: a file that one side changed is as that side has it.
 * The commit that is asked for does not matter. Of a path that clashes it answers what `head` has.
 */
export function mergedFiles(
  { forge }: { forge: Pick<Forge, 'readFile'> },
  { base, head, target }: ThreeCommits,
): MergedFiles {
  const clashes = new Set<string>();
  return {
    clashes,
    async readFile(repo, { path, maxBytes }, signal) {
      const at = (commit: string, most: number): Promise<ForgeFile | undefined> =>
        forge.readFile(repo, { commit, path, maxBytes: most }, signal);
      const ours = await at(head, maxBytes);
      if (target === base) {
        return ours;
      }
      const theirs = await at(target, maxBytes);
      if (isSame(ours, theirs)) {
        return ours;
      }
      const common = await at(base, 0);
      if (isSame(common, ours)) {
        return theirs;
      }
      if (!isSame(common, theirs)) {
        clashes.add(path);
      }
      return ours;
    },
  };
}

/** Which of the paths differ between two commits. */
export async function changedAmong(
  { forge }: { forge: Pick<Forge, 'readFile'> },
  repo: ForgeRepo,
  { from, to, paths }: { from: string; to: string; paths: readonly string[] },
  signal: AbortSignal,
): Promise<string[]> {
  const changed: string[] = [];
  for (const path of paths) {
    const [before, after] = await Promise.all(
      [from, to].map((commit) => forge.readFile(repo, { commit, path, maxBytes: 0 }, signal)),
    );
    if (!isSame(before, after)) {
      changed.push(path);
    }
  }
  return changed;
}

function isSame(one: ForgeFile | undefined, other: ForgeFile | undefined): boolean {
  return one?.blob === other?.blob && one?.mode === other?.mode;
}
