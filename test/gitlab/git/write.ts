import { signatureEnvironment, type BareGit, type Signature } from './git.ts';

/** One change of a file in a commit. Content undefined deletes it. */
export interface FileChange {
  readonly path: string;
  readonly content: string | Buffer | undefined;
  /** Default: what the file has, else 100644. */
  readonly mode?: string;
}

/** One commit on `base` (undefined: the first of its line) with the changes made; no ref is moved. */
export async function commitChanges(
  git: BareGit,
  {
    base,
    changes,
    message,
    author,
    committer = author,
  }: {
    base: string | undefined;
    changes: readonly FileChange[];
    message: string;
    author: Signature;
    committer?: Signature;
  },
): Promise<string> {
  const modes = base === undefined ? new Map<string, string>() : await modesOf(git, base, changes);
  const input = Buffer.concat([
    // A ref is only needed to name the commit; it is gone once its id is known.
    ...line('commit refs/autodev/import'),
    ...line('mark :1'),
    ...line(`author ${signatureLine(author)}`),
    ...line(`committer ${signatureLine(committer)}`),
    ...data(Buffer.from(message)),
    ...(base === undefined ? [] : line(`from ${base}`)),
    ...changes.flatMap(({ path, content, mode }) =>
      content === undefined
        ? line(`D ${quoted(path)}`)
        : [
            ...line(`M ${mode ?? modes.get(path) ?? '100644'} inline ${quoted(path)}`),
            ...data(Buffer.from(content)),
          ],
    ),
    ...line(''),
    ...line('get-mark :1'),
    ...line('reset refs/autodev/import'),
    ...line(`from ${'0'.repeat(40)}`),
    ...line('done'),
  ]);
  return git.text(['fast-import', '--quiet', '--force', '--done', '--cat-blob-fd=1'], { input });
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

async function modesOf(
  git: BareGit,
  base: string,
  changes: readonly FileChange[],
): Promise<Map<string, string>> {
  const out = await git.text(['ls-tree', '-z', base, '--', ...changes.map(({ path }) => path)]);
  return new Map(
    out
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry): [string, string] => [entry.slice(entry.indexOf('\t') + 1), entry.slice(0, 6)]),
  );
}

function line(text: string): Buffer[] {
  return [Buffer.from(`${text}\n`)];
}

function data(content: Buffer): Buffer[] {
  return [...line(`data ${content.length}`), content, ...line('')];
}

function signatureLine({ name, email, at }: Signature): string {
  return `${name} <${email}> ${Math.floor(at.getTime() / 1000)} +0000`;
}

/** As C would write it; what a path may hold must not end the line. */
function quoted(path: string): string {
  const inner = path
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
  return `"${inner}"`;
}
