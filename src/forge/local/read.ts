import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeCommit, ForgeFile, ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import { placeOf, requireFolders } from './place.ts';

interface ReadDeps {
  git: Git;
}

/** Reads of blobs and commits; each names full commit ids, so nothing here depends on HEAD or the working tree. */
export async function readFile(
  { git }: ReadDeps,
  { location }: Pick<ForgeRepo, 'location'>,
  { commit, path, maxBytes }: { commit: string; path: string; maxBytes: number },
  signal: AbortSignal,
): Promise<ForgeFile | undefined> {
  if (!isFilePath(path)) {
    return undefined;
  }
  const place = placeOf(requireFolders(location));
  const listing = ['ls-tree', '-z', '-l', '--full-tree', requireCommitId(commit), '--', path];
  const listed = (await unreadableOnFailure(git.run(place, listing, signal))).stdout.toString();
  const entry = /^(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t/.exec(listed);
  if (!entry || entry[2] === 'tree') {
    return undefined;
  }
  const [, mode = '', type = '', blob = ''] = entry;
  const size = type === 'blob' ? Number(entry[4]) : 0;
  if (type !== 'blob' || size > maxBytes) {
    return { blob, mode, size, content: undefined };
  }
  const content = git.run(place, ['cat-file', 'blob', blob], signal, { maxBytes: size + 1 });
  return { blob, mode, size, content: (await unreadableOnFailure(content)).stdout };
}

export async function readCommit(
  { git }: ReadDeps,
  { location }: Pick<ForgeRepo, 'location'>,
  commit: string,
  signal: AbortSignal,
): Promise<ForgeCommit> {
  const format = '--format=%H%x00%an%x00%ae%x00%ct%x00%s';
  const shown = await unreadableOnFailure(
    git.text(
      placeOf(requireFolders(location)),
      ['rev-list', '--no-commit-header', '--max-count=1', format, requireCommitId(commit)],
      signal,
    ),
  );
  const [sha = '', authorName = '', authorEmail = '', seconds = '', subject = ''] =
    shown.split('\0');
  return {
    sha,
    authorName,
    authorEmail,
    committedAt: new Date(Number(seconds) * 1000),
    subject,
  };
}

export async function changedPaths(
  { git }: ReadDeps,
  { location }: Pick<ForgeRepo, 'location'>,
  { from, to }: { from: string | undefined; to: string },
  signal: AbortSignal,
): Promise<string[]> {
  // Without rename detection a rename is a deletion and an addition: both sides are named.
  const args =
    from === undefined
      ? ['ls-tree', '-r', '-z', '--name-only', '--full-tree', requireCommitId(to)]
      : [
          'diff-tree',
          '-r',
          '-z',
          '--name-only',
          '--no-renames',
          requireCommitId(from),
          requireCommitId(to),
        ];
  const listed = await unreadableOnFailure(
    git.run(placeOf(requireFolders(location)), args, signal),
  );
  return listed.stdout
    .toString()
    .split('\0')
    .filter((path) => path !== '');
}

/** Whether `ancestor` is `descendant` or lies before it. SOURCE_UNREADABLE when one of them is not there. */
export async function isAncestor(
  { git }: ReadDeps,
  { location }: Pick<ForgeRepo, 'location'>,
  { ancestor, descendant }: { ancestor: string; descendant: string },
  signal: AbortSignal,
): Promise<boolean> {
  const { code } = await unreadableOnFailure(
    git.run(
      placeOf(requireFolders(location)),
      ['merge-base', '--is-ancestor', requireCommitId(ancestor), requireCommitId(descendant)],
      signal,
      { answers: [0, 1] },
    ),
  );
  return code === 0;
}

/** The commit that `ref` points at; undefined when the repository has no such ref. */
export async function readRef(
  { git }: ReadDeps,
  { location }: Pick<ForgeRepo, 'location'>,
  ref: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const place = placeOf(requireFolders(location));
  const query = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
  const { code, stdout } = await git.run(place, query, signal, { answers: [0, 1] });
  return code === 0 ? stdout.toString().trim() : undefined;
}

function isFilePath(path: string): boolean {
  return path !== '' && path.split('/').every((part) => !['', '.', '..'].includes(part));
}

/** Absence is an answer elsewhere; here a git that fails means that the repository could not be read. */
async function unreadableOnFailure<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AppError && error.code === 'GIT_FAILED') {
      throw new AppError('SOURCE_UNREADABLE', error.message, {
        cause: error,
        remedy: 'Check the repository with: git fsck --connectivity-only',
      });
    }
    throw error;
  }
}
