import type { ArtifactStat } from '../db/artifacts.ts';
import type { PatchEntry } from '../domain/patch-check.ts';
import type { Git } from '../forge/git.ts';
import { AppError } from '../kernel/errors.ts';
import { parseListing, type TreeChange } from '../sandbox/git-listing.ts';

/** Of the diff that is read for its added lines; a larger change is refused. */
const MOST_DIFF_BYTES = 32 * 1024 * 1024;
const MOST_LIST_BYTES = 256 * 1024 * 1024;
/** Of the diff that is kept for people. */
const SHOWN_DIFF_CHARACTERS = 1024 * 1024;

/** Everything about a change that rules and people look at. */
export interface Patch {
  readonly entries: readonly PatchEntry[];
  /** Every path of the tree before the change. */
  readonly treePaths: readonly string[];
  readonly stat: ArtifactStat;
  /** For people, cut at a bound that it names. */
  readonly diff: string;
  readonly bytes: number;
}

/** Reads what a commit changes, in a bare repository of ours and from its objects alone. Throws PATCH_REFUSED. */
export async function readPatch(
  { git }: { git: Git },
  { repository, mirror, base, head }: Record<'repository' | 'mirror' | 'base' | 'head', string>,
  signal: AbortSignal,
): Promise<Patch> {
  const place = { cwd: repository, safeDirectories: [repository, mirror] };
  const read = async (args: string[], maxBytes = MOST_LIST_BYTES): Promise<Buffer> => {
    const { stdout } = await git.run(place, args, signal, { maxBytes }).catch(refuseLarge);
    return stdout;
  };
  const plain = ['--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules=none'];
  const list = ['diff-tree', '-r', '-z', '--no-renames', '--no-abbrev', ...plain];
  const raw = await read([...list, '--raw', base, head]);
  const numstat = await read([...list, '--numstat', base, head]);
  const changes = parseListing(raw, numstat);

  const bare = ['diff-tree', '-r', '-p', '-U0', '--no-renames', ...plain, base, head];
  const added = addedLines(changes, (await read(bare, MOST_DIFF_BYTES)).toString('utf8'));
  const sizes = sizesOf((await read(['ls-tree', '-r', '-l', '-z', head])).toString('utf8'));
  const before = (await read(['ls-tree', '-r', '-z', '--name-only', base])).toString('utf8');
  const shown = ['diff-tree', '-r', '-p', '-M', '--full-index', ...plain, base, head];
  // A NUL far into a file does not make it binary for git, and the database keeps none.
  const diff = (await read(shown, MOST_DIFF_BYTES)).toString('utf8').replaceAll('\0', '\ufffd');

  return {
    entries: changes.map((change, i) => ({
      path: change.path,
      status: change.status,
      oldMode: change.oldMode,
      newMode: change.newMode,
      size: sizes.get(change.path) ?? 0,
      binary: change.added === undefined,
      addedLines: added[i] ?? [],
    })),
    treePaths: before.split('\0').filter(Boolean),
    stat: {
      files: changes.length,
      added: changes.reduce((sum, change) => sum + (change.added ?? 0), 0),
      removed: changes.reduce((sum, change) => sum + (change.removed ?? 0), 0),
      paths: changes.map(({ path }) => path),
    },
    diff:
      diff.length > SHOWN_DIFF_CHARACTERS
        ? `${diff.slice(0, SHOWN_DIFF_CHARACTERS)}\n[cut: the diff has ${diff.length} characters]\n`
        : diff,
    bytes: Buffer.byteLength(diff),
  };
}

function refuseLarge(error: unknown): never {
  if (error instanceof AppError && error.code === 'TOO_LARGE') {
    throw new AppError('PATCH_REFUSED', 'the change is too large to be looked at', {
      cause: error,
      remedy: 'Leave generated files out, or split the task.',
    });
  }
  throw error;
}

/**
 * The lines that each change adds. Sections of the diff come in the order of the listing, one a change, two where
 * its type changes; their headers are not parsed, so no path can confuse this.
 */
function addedLines(changes: readonly TreeChange[], diff: string): string[][] {
  const sections: string[][] = [];
  let inHunk = false;
  for (const line of diff.split('\n')) {
    if (line.startsWith('diff --git ')) {
      sections.push([]);
      inHunk = false;
    } else if (line.startsWith('@@ ')) {
      inHunk = true;
    } else if (inHunk && line.startsWith('+')) {
      sections.at(-1)?.push(line.slice(1));
    }
  }
  const expected = changes.reduce((sum, { status }) => sum + (status === 'T' ? 2 : 1), 0);
  if (sections.length !== expected) {
    throw new AppError('PATCH_REFUSED', 'the diff does not have the files that git listed');
  }
  let at = 0;
  return changes.map(({ status }) => {
    const taken = sections.slice(at, at + (status === 'T' ? 2 : 1)).flat();
    at += status === 'T' ? 2 : 1;
    return taken;
  });
}

/** `ls-tree -l -z`: `MODE TYPE SHA SIZE\tPATH`. */
function sizesOf(listing: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const entry of listing.split('\0')) {
    const tab = entry.indexOf('\t');
    const size = Number(entry.slice(0, tab).trim().split(/\s+/).at(-1));
    sizes.set(entry.slice(tab + 1), Number.isFinite(size) ? size : 0);
  }
  return sizes;
}
