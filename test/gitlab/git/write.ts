import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { signatureEnvironment, type BareGit, type Signature } from './git.ts';
import { findFile } from './read.ts';

/** One change of a file in a commit. Content undefined deletes it. */
export interface FileChange {
  readonly path: string;
  readonly content: string | Buffer | undefined;
  /** Default: what the file has, else 100644. */
  readonly mode?: string;
}

/** The tree of `base` (undefined: the empty one) with the changes made. */
export async function changeTree(
  git: BareGit,
  base: string | undefined,
  changes: readonly FileChange[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'autodev-gitlab-index-'));
  try {
    const env = { GIT_INDEX_FILE: join(folder, 'index') };
    await git.text(['read-tree', ...(base === undefined ? ['--empty'] : [base])], { env });
    for (const { path, content, mode } of changes) {
      if (content === undefined) {
        await git.text(['update-index', '--index-info'], {
          env,
          input: `0 ${'0'.repeat(40)}\t${path}\n`,
        });
        continue;
      }
      const had = base === undefined ? undefined : await findFile(git, base, path);
      const blob = await git.text(['hash-object', '-w', '--stdin'], { input: content });
      await git.text(['update-index', '--index-info'], {
        env,
        input: `${mode ?? had?.mode ?? '100644'} ${blob}\t${path}\n`,
      });
    }
    return await git.text(['write-tree'], { env });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function commitTree(
  git: BareGit,
  {
    tree,
    parents,
    message,
    author,
    committer = author,
  }: {
    tree: string;
    parents: readonly string[];
    message: string;
    author: Signature;
    committer?: Signature;
  },
): Promise<string> {
  return git.text(
    ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'],
    { input: message, env: signatureEnvironment(author, committer) },
  );
}

/** False when the ref is not at `expected` (all zeros: must not exist). */
export async function updateRef(
  git: BareGit,
  ref: string,
  { to, expected }: { to: string | undefined; expected: string | undefined },
): Promise<boolean> {
  const old = expected ?? '0'.repeat(40);
  const { code } = await git.answer(
    to === undefined ? ['update-ref', '-d', ref, old] : ['update-ref', ref, to, old],
  );
  return code === 0;
}

/** The tree of a merge of two commits; undefined when they conflict. */
export async function mergedTree(
  git: BareGit,
  ours: string,
  theirs: string,
): Promise<string | undefined> {
  const { code, stdout, stderr } = await git.answer(['merge-tree', '--write-tree', ours, theirs]);
  if (code !== 0 && code !== 1) {
    throw new Error(`git merge-tree failed (git 2.38 or newer is needed): ${stderr.trim()}`);
  }
  return code === 0 ? stdout.split('\n')[0] : undefined;
}

/** `git merge-tree` for one commit that is put on another base, as a rebase does; undefined on a conflict. */
export async function replayedTree(
  git: BareGit,
  { commit, parent, onto }: { commit: string; parent: string; onto: string },
): Promise<string | undefined> {
  const [tree, base, target] = await Promise.all(
    [commit, parent, onto].map((sha) => git.text(['rev-parse', `${sha}^{tree}`])),
  );
  if (tree === undefined || base === undefined || target === undefined) {
    return undefined;
  }
  // git 2.39's merge-tree takes no base of one's choice: two commits that share one are made for it.
  const nobody: Signature = { name: 'nobody', email: 'nobody@localhost', at: new Date(0) };
  const root = await commitTree(git, { tree: base, parents: [], message: '', author: nobody });
  const side = (of: string) =>
    commitTree(git, { tree: of, parents: [root], message: of, author: nobody });
  return mergedTree(git, await side(target), await side(tree));
}
