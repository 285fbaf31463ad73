import { AppError } from '../kernel/errors.ts';

/** One path of a result against its base. A rename is a deletion and an addition. Modes are git's, 000000 = absent. */
export interface TreeChange {
  readonly path: string;
  readonly status: 'A' | 'M' | 'D' | 'T';
  readonly oldMode: string;
  readonly newMode: string;
  readonly oldBlob: string;
  readonly newBlob: string;
  /** Lines; undefined for binary files. */
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

const RAW = /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([AMDT])$/;

/**
 * Reads `git diff-tree -r -z --no-renames` in its `--raw` and `--numstat` forms, which list the same paths in the
 * same order. Throws PATCH_REFUSED for a path that is not UTF-8: no forge and no rule could name it.
 */
export function parseListing(raw: Buffer, numstat: Buffer): TreeChange[] {
  const fields = fieldsOf(raw);
  const counts = new Map(fieldsOf(numstat).map(parseCounts));
  const changes: TreeChange[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const path = fields[at + 1] ?? '';
    const [, oldMode, newMode, oldBlob, newBlob, status] = RAW.exec(fields[at] ?? '') ?? [];
    if (!oldMode || !newMode || !oldBlob || !newBlob || !isStatus(status)) {
      throw new AppError('PATCH_REFUSED', `git listed a change that we cannot read: ${fields[at]}`);
    }
    const { added, removed } = counts.get(path) ?? { added: undefined, removed: undefined };
    changes.push({ path, status, oldMode, newMode, oldBlob, newBlob, added, removed });
  }
  return changes;
}

function fieldsOf(listing: Buffer): string[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(listing);
  } catch (error) {
    throw new AppError('PATCH_REFUSED', 'a changed path is not valid UTF-8', {
      cause: error,
      remedy: 'Rename the file.',
    });
  }
  return text.split('\0').slice(0, -1);
}

type Counts = { added: number | undefined; removed: number | undefined };

function parseCounts(field: string): [string, Counts] {
  const [added = '', removed = '', ...path] = field.split('\t');
  return [path.join('\t'), { added: lines(added), removed: lines(removed) }];
}

function lines(count: string): number | undefined {
  return count === '-' ? undefined : Number(count);
}

function isStatus(status: string | undefined): status is TreeChange['status'] {
  return status === 'A' || status === 'M' || status === 'D' || status === 'T';
}
