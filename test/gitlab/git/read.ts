import type { BareGit } from './git.ts';

export interface Commit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly authorName: string;
  readonly authorEmail: string;
  /** With the author's offset, as git prints it. */
  readonly authoredAt: string;
  readonly committerName: string;
  readonly committerEmail: string;
  readonly committedAt: string;
  readonly message: string;
}

export interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  readonly path: string;
}

export const ZERO_SHA = '0'.repeat(40);

/** The commit that a name stands for; undefined when there is none. */
export async function resolve(git: BareGit, revision: string): Promise<string | undefined> {
  if (revision === '' || revision.startsWith('-')) {
    return undefined;
  }
  const found = await git.maybe(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
  return found?.toString().trim();
}

/** The head of a branch, even when a tag has the same name. */
export function branchHead(git: BareGit, branch: string): Promise<string | undefined> {
  return resolve(git, `refs/heads/${branch}`);
}

/** Branches and tags with what they point to. */
export async function listRefs(git: BareGit): Promise<Map<string, string>> {
  const lines = await git.text([
    'for-each-ref',
    '--format=%(refname) %(objectname)',
    'refs/heads',
    'refs/tags',
  ]);
  return new Map(
    lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line): [string, string] => [line.slice(0, -41), line.slice(-40)]),
  );
}

const FORMAT = '%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1e';

/** Newest first. `range` is what `git log` takes: `main..head`, or one commit with `--max-count=1`. */
export async function listCommits(git: BareGit, range: readonly string[]): Promise<Commit[]> {
  const out = await git.text(['log', `--format=${FORMAT}`, ...range, '--']);
  return out
    .split('\x1e')
    .map((record) => record.replace(/^\n/, ''))
    .filter((record) => record !== '')
    .map((record) => {
      const [id = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', ...body] =
        record.split('\x1f');
      return {
        id,
        parents: parents.split(' ').filter((parent) => parent !== ''),
        authorName: an,
        authorEmail: ae,
        authoredAt: ad,
        committerName: cn,
        committerEmail: ce,
        committedAt: cd,
        message: body.join('\x1f'),
      };
    });
}

export async function readCommit(git: BareGit, revision: string): Promise<Commit | undefined> {
  const id = await resolve(git, revision);
  return id === undefined ? undefined : (await listCommits(git, ['--max-count=1', id]))[0];
}

/** Undefined when the folder is not there. */
export async function listTree(
  git: BareGit,
  commit: string,
  { path = '', recursive = false }: { path?: string; recursive?: boolean } = {},
): Promise<TreeEntry[]> {
  const prefix = path === '' ? '' : `${path.replace(/\/+$/, '')}/`;
  const out = await git.text([
    'ls-tree',
    '-z',
    ...(recursive ? ['-r', '-t'] : []),
    commit,
    '--',
    ...(prefix === '' ? [] : [prefix]),
  ]);
  return parseTree(out);
}

export async function findFile(
  git: BareGit,
  commit: string,
  path: string,
): Promise<TreeEntry | undefined> {
  const out = await git.text(['ls-tree', '-z', commit, '--', path]);
  return parseTree(out).find((entry) => entry.path === path && entry.type === 'blob');
}

export async function readBlob(git: BareGit, id: string): Promise<Buffer> {
  const content = await git.maybe(['cat-file', 'blob', id]);
  if (content === undefined) {
    throw new Error(`The blob ${id} is gone.`);
  }
  return content;
}

/** The newest commit that changed the file. */
export function lastCommitOf(git: BareGit, commit: string, path: string): Promise<string> {
  return git.text(['log', '-1', '--format=%H', commit, '--', path]);
}

export async function mergeBase(
  git: BareGit,
  left: string,
  right: string,
): Promise<string | undefined> {
  return (await git.maybe(['merge-base', left, right]))?.toString().trim();
}

export async function isAncestor(git: BareGit, ancestor: string, of: string): Promise<boolean> {
  return (await git.answer(['merge-base', '--is-ancestor', ancestor, of])).code === 0;
}

function parseTree(out: string): TreeEntry[] {
  return out
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [head = '', path = ''] = line.split('\t');
      const [mode = '', type = '', id = ''] = head.split(' ');
      return { mode, type, id, path };
    });
}
