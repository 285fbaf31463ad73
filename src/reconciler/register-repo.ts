import { basename } from 'node:path';

import { writeAudit } from '../db/audit.ts';
import { listConfigObjects, retireConfigObjects } from '../db/config-objects.ts';
import type { Db } from '../db/db.ts';
import { setHold } from '../db/holds.ts';
import { endSync, markDirty } from '../db/repo-sync.ts';
import { addRepo, findRepoAt, getRepo, listTakenPaths, removeRepo } from '../db/repos.ts';
import { retireSchedules } from '../db/schedules.ts';
import type { LocalForge } from '../forge/local/forge.ts';

export interface Registration {
  readonly actor: string;
  /** Any folder of the repository. */
  readonly location: string;
  /** What people will type; default: the folder's name, with a number where that is taken. */
  readonly path?: string | undefined;
  /** Default: origin's, `main` or `master`. */
  readonly branch?: string | undefined;
}

/**
 * Registers a repository of this machine, and asks for it to be read at once. One that is registered already is
 * answered as it stands. INVALID_REQUEST and NOT_FOUND say what is wrong with the folder, CONFLICT that the path
 * that was asked for belongs to another one.
 */
export async function registerRepo(
  { db, forge }: { db: Db; forge: LocalForge },
  { actor, location: folder, path: asked, branch: wanted }: Registration,
): Promise<{ repoId: number; path: string }> {
  const { location, branch } = await forge.inspect(
    { path: folder, branch: wanted },
    new AbortController().signal,
  );
  return db.transaction(async (tx) => {
    const place = { forge: 'local', location } as const;
    const known = await findRepoAt(tx, place);
    if (
      known &&
      (asked ?? known.path) === known.path &&
      (wanted ?? known.branch) === known.branch
    ) {
      await markDirty(tx, [known.id], { priority: 2 });
      return { repoId: known.id, path: known.path };
    }
    const path =
      asked ?? known?.path ?? freePath(nameOf(location), await listTakenPaths(tx, place));
    const repo = await addRepo(tx, { ...place, path, branch });
    await markDirty(tx, [repo.id], { priority: 2 });
    await writeAudit(tx, {
      actor,
      action: 'repo.add',
      target: path,
      repoId: repo.id,
      detail: { location, branch },
    });
    return { repoId: repo.id, path };
  });
}

/**
 * Ends a registration: no agent takes work any more, what waits is cancelled and what runs is told to stop (by the
 * next round of the reconciler, so that a crash loses nothing). Rows stay for their history; the repository itself
 * stays as it is.
 */
export async function unregisterRepo(
  { db }: { db: Db },
  repoId: number,
  { actor }: { actor: string },
): Promise<void> {
  const { path } = await getRepo(db, repoId);
  await db.transaction(async (tx) => {
    // First, because it locks the row that every write of a reconcile waits for.
    await endSync(tx, repoId);
    await removeRepo(tx, repoId);
    await retireConfigObjects(tx, repoId, await listConfigObjects(tx, repoId));
    await retireSchedules(tx, repoId);
    await writeAudit(tx, { actor, action: 'repo.remove', target: path, repoId });
    await setHold(tx, { repoId, kind: 'removed', reason: 'The repository was removed.', actor });
  });
}

/** `shop.git` is called `shop`; what people would have to quote is replaced. */
function nameOf(location: string): string {
  const name = basename(location)
    .replace(/\.git$/u, '')
    .replaceAll(/[^\w.-]+/gu, '-')
    .replaceAll(/^[-.]+|-+$/gu, '');
  // A path of digits alone would read as an id.
  return /^\d*$/u.test(name) ? `repo-${name}`.replace(/-$/u, '') : name;
}

function freePath(name: string, taken: ReadonlySet<string>): string {
  let path = name;
  for (let n = 2; taken.has(path); n += 1) {
    path = `${name}-${n}`;
  }
  return path;
}
