import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Artifact } from '../db/artifacts.ts';
import type { Git } from '../forge/git.ts';
import type { Clock } from '../kernel/clock.ts';
import { importBundle } from '../sandbox/import-bundle.ts';
import type { BoxLimits, Sandbox } from '../sandbox/sandbox.ts';
import { commitWorkspace, type CommitResult } from '../sandbox/worker-git.ts';
import { IMPORT_LIMITS, importResult } from './import-result.ts';
import { readPatch, type Patch } from './read-patch.ts';
import { createScratchRepository } from './scratch-repository.ts';
import type { StartPoint } from './start-point.ts';
import type { Room } from './workspace-room.ts';

export interface Result {
  readonly irregular: CommitResult['irregular'];
  /** Undefined when the worker left everything as it was. */
  readonly change:
    | (Pick<Artifact, 'base' | 'head' | 'stat' | 'diff' | 'bundle'> & { readonly patch: Patch })
    | undefined;
}

export interface ResultDeps {
  readonly git: Git;
  readonly sandbox: Sandbox;
  readonly clock: Clock;
}

/**
 * Takes the final tree of a workspace as one commit on the base, made by git in a box of its own, and reads what it
 * changes from the commit itself, in a repository of ours. Throws PATCH_REFUSED for what cannot be taken.
 */
export async function takeResult(
  deps: ResultDeps,
  {
    room,
    at,
    message,
    author,
    slot,
    limits,
  }: {
    room: Room;
    at: StartPoint;
    message: string;
    author: { readonly name: string; readonly email: string };
    slot: number;
    limits: BoxLimits;
  },
  signal: AbortSignal,
): Promise<Result> {
  const { git, sandbox, clock } = deps;
  const { base, start, left } = at;
  const { workspace, mirror } = room;
  await putBackInstructions({ git }, { room, at }, signal);
  const result = join(room.own, 'result');
  await mkdir(result);
  const { irregular, commit } = await commitWorkspace(
    { sandbox },
    {
      workspace,
      mirror,
      result,
      base,
      message,
      author,
      at: clock.now(),
      hostUidSlot: slot,
      limits,
    },
  );
  if (commit === undefined) {
    return { irregular, change: undefined };
  }

  const repository = join(room.own, 'scratch');
  await createScratchRepository(repository, { mirror, base });
  const { sha: head, bundle } = commit;
  const ref = 'refs/autodev/result';
  const request = { bundle, repository, base, commit: head, ref, limits: IMPORT_LIMITS };
  await importBundle({ clock }, request, signal);
  const place = { cwd: repository, safeDirectories: [repository, mirror] };
  const treeOf = (of: string): Promise<string> =>
    git.text(place, ['rev-parse', `${of}^{tree}`], signal);
  if (left !== undefined) {
    await importResult({ clock }, { repository, artifact: left }, signal);
    if ((await treeOf(head)) === (await treeOf(start))) {
      return { irregular, change: undefined };
    }
  }
  const patch = await readPatch({ git }, { repository, mirror, base, head }, signal);
  const { stat, diff } = patch;
  return {
    irregular,
    change: { base, head, stat, diff, bundle: await readFile(bundle), patch },
  };
}

/**
 * Makes instruction files that came from the default branch what the branch itself has. The worker is gone, and what
 * it did to them is not taken: from its own branch's point of view nobody touched them.
 */
async function putBackInstructions(
  { git }: { git: Git },
  { room: { workspace, mirror }, at }: { room: Room; at: StartPoint },
  signal: AbortSignal,
): Promise<void> {
  const place = { cwd: mirror, safeDirectories: [mirror] };
  for (const path of at.overlay?.paths ?? []) {
    await rm(join(workspace, path), { recursive: true, force: true });
    const { stdout } = await git.run(place, ['ls-tree', '-r', '-z', at.start, '--', path], signal);
    for (const entry of stdout.toString().split('\0').filter(Boolean)) {
      const [head = '', file = ''] = entry.split('\t');
      const [mode, type, blob = ''] = head.split(' ');
      if (type !== 'blob') {
        continue;
      }
      const content = await git.run(place, ['cat-file', 'blob', blob], signal);
      const target = join(workspace, file);
      await mkdir(dirname(target), { recursive: true });
      await (mode === '120000'
        ? symlink(content.stdout.toString(), target)
        : writeFile(target, content.stdout, { mode: mode === '100755' ? 0o755 : 0o644 }));
    }
  }
}
