import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Repo } from '../db/repos.ts';
import type { Forge } from '../forge/forge.ts';
import type { Git } from '../forge/git.ts';
import { createWorkspace } from '../forge/workspace.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { HomeFile } from '../llm/provider.ts';
import type { BoxSpec, Sandbox } from '../sandbox/sandbox.ts';
import { PLAIN_ATTRIBUTES } from '../sandbox/worker-git.ts';
import { handOver, workerUid } from '../sandbox/worker-uid.ts';
import { BOX_FOLDERS, INSIDE, WORKER_VARIABLES } from './box-layout.ts';
import { importResult } from './import-result.ts';
import { removeTree } from './remove-tree.ts';
import type { StartPoint } from './start-point.ts';

/** Files that tell agents and tools what to do: on another branch's work they come from the default branch. */
export const INSTRUCTION_PATHS = [
  'AGENTS.md',
  'CLAUDE.md',
  '.claude',
  '.codex',
  '.mcp.json',
  '.gitmodules',
  '.npmrc',
  '.autodev',
] as const;

export interface RoomDeps {
  readonly git: Git;
  readonly clock: Clock;
  readonly forge: Pick<Forge, 'fetchMirror'>;
  readonly sandbox: Sandbox;
  /** The runner's own folder on the data volume. */
  readonly folder: string;
}

/** The folders of one attempt; their names say nothing, because workers can see them. */
export interface Room extends AsyncDisposable {
  readonly workspace: string;
  readonly mirror: string;
  /** Host path of the worker's HOME. */
  readonly homeFolder: string;
  /** Host path of what the worker writes. */
  readonly outputs: string;
  /** Ours alone: for results and for a socket. */
  readonly own: string;
  readonly binds: BoxSpec['binds'];
  readonly cwd: string;
  readonly home: string;
  /** Paths as a command in the box sees them. */
  readonly taskFile: string;
  readonly outputsFile: string;
}

function mirrorFolder(folder: string, repo: Pick<Repo, 'id'>): string {
  return join(folder, 'mirrors', String(repo.id));
}

/**
 * Makes the runner's folder. A root runner starts workers as users of their own, who must be able to walk to it:
 * throws DATA_DIR_UNUSABLE naming the folder that they cannot pass.
 */
export async function prepareFolder({
  sandbox,
  folder,
}: Pick<RoomDeps, 'sandbox' | 'folder'>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  if (!sandbox.isolates || workerUid(0) === undefined) {
    return;
  }
  for (let above = dirname(folder); above !== dirname(above); above = dirname(above)) {
    const { mode } = await stat(above);
    if ((mode & 0o001) === 0) {
      throw new AppError('DATA_DIR_UNUSABLE', `workers cannot pass through ${above}`, {
        remedy: `Run \`chmod o+x ${above}\`, choose another data folder, or run as an ordinary user.`,
      });
    }
  }
}

/** Makes empty folders for one attempt. Workers walk through those above them, so these are open to pass. */
export async function openRoom(
  { sandbox, folder }: Pick<RoomDeps, 'sandbox' | 'folder'>,
  repo: Pick<Repo, 'id'>,
): Promise<Room> {
  const top = join(folder, 'workspaces', randomBytes(8).toString('hex'));
  const [workspace, home, task, outputs, own] = [
    join(top, 'w'),
    join(top, 'h'),
    join(top, 't'),
    join(top, 'o'),
    join(top, 'x'),
  ];
  for (const each of [folder, join(folder, 'workspaces'), join(folder, 'mirrors'), top]) {
    await mkdir(each, { recursive: true });
    await chmod(each, 0o711);
  }
  for (const each of [home, task, outputs]) {
    await mkdir(each);
  }
  await mkdir(own, { mode: 0o711 });
  const mirror = mirrorFolder(folder, repo);
  const hosts = { workspace, home, task, outputs, mirror };
  const binds = BOX_FOLDERS.map(({ folder: name, at, writable }) => ({
    host: hosts[name],
    at,
    writable,
  }));
  const locate = (inside: string): string => sandbox.locate({ binds, sockets: [] }, inside);
  return {
    workspace,
    mirror,
    homeFolder: home,
    own,
    binds,
    outputs: join(outputs, 'outputs.jsonl'),
    cwd: INSIDE.workspace,
    home: INSIDE.home,
    taskFile: locate(WORKER_VARIABLES.AUTODEV_TASK_FILE),
    outputsFile: locate(WORKER_VARIABLES.AUTODEV_OUTPUTS),
    [Symbol.asyncDispose]: () => removeTree(top),
  };
}

/** Brings the mirror up to date, readable for workers, who borrow its objects. */
export async function bringMirror(
  { forge }: Pick<RoomDeps, 'forge'>,
  { mirror }: Room,
  repo: Repo,
  signal: AbortSignal,
): Promise<void> {
  await forge.fetchMirror(repo, mirror, signal);
  await chmod(mirror, 0o755);
}

/** Checks a commit out for a worker, to whom the folders then belong. From then on no git of ours may run in it. */
export async function furnish(
  { git, clock, sandbox }: Omit<RoomDeps, 'forge' | 'folder'>,
  room: Room,
  {
    start,
    left,
    overlay,
    branch,
    task,
    home = [],
    slot,
  }: Pick<StartPoint, 'start' | 'left' | 'overlay'> & {
    branch: string;
    task: object;
    /** Files for the worker's HOME. */
    home?: readonly HomeFile[];
    slot: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { workspace: folder, mirror } = room;
  // Without a box the worker is we ourselves.
  const uid = sandbox.isolates ? workerUid(slot) : undefined;
  await createWorkspace(
    { git },
    {
      mirror,
      folder,
      commit: start,
      branch,
      attributes: PLAIN_ATTRIBUTES,
      ...(overlay && { overlay }),
      ...(uid !== undefined && { owner: { uid, gid: uid } }),
      ...(left && {
        bring: (repository) => importResult({ clock }, { repository, artifact: left }, signal),
      }),
    },
    signal,
  );
  // The worker's git finds the borrowed objects where the box shows them.
  const objects = sandbox.locate({ binds: room.binds, sockets: [] }, `${INSIDE.mirror}/objects`);
  await writeFile(join(folder, '.git', 'objects', 'info', 'alternates'), `${objects}\n`);
  await writeFile(hostOf(room, INSIDE.task, 'task.json'), JSON.stringify(task, null, 2));
  for (const { path, content, mode } of home) {
    const file = join(room.homeFolder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
  }
  if (uid !== undefined) {
    await handOver(home.length > 0 ? [room.homeFolder] : [], slot);
    const theirs = room.binds.filter(({ host, writable }) => writable && host !== folder);
    for (const { host } of theirs) {
      await chown(host, uid, uid);
    }
  }
}

function hostOf({ binds }: Room, at: string, file: string): string {
  return join(binds.find((bind) => bind.at === at)?.host ?? '', file);
}
