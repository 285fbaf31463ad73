import type { BareGit } from './git.ts';

/** One changed file, as GitLab describes it. */
export interface FileDiff {
  readonly old_path: string;
  readonly new_path: string;
  readonly a_mode: string;
  readonly b_mode: string;
  readonly new_file: boolean;
  readonly renamed_file: boolean;
  readonly deleted_file: boolean;
  readonly generated_file: boolean;
  /** The hunks without git's header. */
  readonly diff: string;
}

/** What changed between two commits, renames found, with the text of each change. */
export async function diffFiles(git: BareGit, from: string, to: string): Promise<FileDiff[]> {
  const raw = await git.text(['diff-tree', '-r', '-z', '-M', '--raw', '--no-abbrev', from, to]);
  const fields = raw.split('\0').filter((field) => field !== '');
  const files: Omit<FileDiff, 'diff'>[] = [];
  while (fields.length > 0) {
    const [aMode = '', bMode = '', , , status = ''] = (fields.shift() ?? '').slice(1).split(' ');
    const oldPath = fields.shift() ?? '';
    const newPath = /^[RC]/.test(status) ? (fields.shift() ?? '') : oldPath;
    files.push({
      old_path: oldPath,
      new_path: newPath,
      a_mode: aMode,
      b_mode: bMode,
      new_file: status === 'A',
      renamed_file: status.startsWith('R'),
      deleted_file: status === 'D',
      generated_file: false,
    });
  }
  return Promise.all(
    files.map(async (file) => {
      const paths = [...new Set([file.old_path, file.new_path])];
      const text = await git.text(['diff-tree', '-r', '-p', '-M', from, to, '--', ...paths]);
      const at = text.indexOf('\n@@ ');
      return { ...file, diff: at < 0 ? '' : `${text.slice(at + 1)}\n` };
    }),
  );
}

/** Paths of one commit against its first parent, as a push event lists them. */
export async function commitPaths(git: BareGit, commit: string) {
  const raw = await git.text([
    'diff-tree',
    '-r',
    '-z',
    '--root',
    '--name-status',
    '-m',
    '--first-parent',
    '--no-commit-id',
    commit,
  ]);
  const fields = raw.split('\0').filter((field) => field !== '');
  const paths = { added: [] as string[], modified: [] as string[], removed: [] as string[] };
  while (fields.length > 1) {
    const status = fields.shift() ?? '';
    const path = fields.shift() ?? '';
    const list = status === 'A' ? paths.added : status === 'D' ? paths.removed : paths.modified;
    list.push(path);
  }
  return paths;
}
