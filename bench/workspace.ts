import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';

import { createGit } from '../src/forge/git.ts';
import { createLocalForge } from '../src/forge/local/forge.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { bringMirror, furnish, openRoom, prepareFolder } from '../src/runner/workspace-room.ts';
import { bubblewrapSandbox } from '../src/sandbox/bubblewrap.ts';
import { makeToolbox } from '../src/sandbox/toolbox.ts';
import { print, printTable } from './print-table.ts';
import { makeSourceRepository, SOURCE_REPOSITORY } from './source-repository.ts';

/**
 * How long a claimed job waits for its folders (mirror brought up to date, tree, ownership), beside the two ways in
 * which git alone makes a tree; and beside `cp`, which is what the file system takes. One of each in turns, in
 * reversed order each round; ends with 1 when a goal is missed. Takes about 40 s and 1.4 GB.
 *
 * Nothing is removed before the end: for a minute and more, ext4 does not give out an inode that was freed, and looks
 * at every such one for every file that it makes. A tree that took 0.3 s then takes 3 s, whoever makes it, so begin on
 * a disk on which nothing large was deleted just now.
 *
 *     npx node bench/workspace.ts [rounds]
 *     TMPDIR=/dev/shm npx node bench/workspace.ts     on another file system
 */
const rounds = Number(process.argv[2] ?? 5);

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'autodev-bench-')));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
chmodSync(folder, 0o711);
const path = join(folder, 'repo.git');
const PATH = process.env['PATH'] ?? '';
const env = { PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
const { signal } = new AbortController();

const made = performance.now();
await makeSourceRepository(path, env);
const makingS = (performance.now() - made) / 1000;

const clock = systemClock;
const git = createGit({ path: PATH, clock });
const identity = { name: 'Bench', email: 'bench@localhost' };
const deps = {
  git,
  clock,
  forge: createLocalForge({ git, clock, scratch: folder, identity }),
  sandbox: bubblewrapSandbox({
    clock,
    toolbox: await makeToolbox(join(folder, 'tools'), process.execPath),
  }),
  folder: join(folder, 'runner'),
};
const repo = { id: 1, path: 'repo', forge: 'local', location: path, branch: 'main' } as const;
const commit = run('git', ['rev-parse', 'main'], path);
await prepareFolder(deps);
const mirror = join(folder, 'runner', 'mirrors', '1');
await deps.forge.fetchMirror(repo, mirror, signal);
const ready = join(folder, 'ready');
run('git', ['clone', '--quiet', '--shared', path, ready]);

const WAYS = {
  workspace: async () => {
    const room = await openRoom(deps, repo);
    await bringMirror(deps, room, repo, signal);
    const branch = 'autodev/bench';
    const at = { start: commit, left: undefined, overlay: undefined, branch, task: {}, slot: 0 };
    await furnish(deps, room, at, signal);
  },
  clone: (to: string) => run('git', ['clone', '--quiet', `file://${path}`, to]),
  shared: (to: string) => run('git', ['clone', '--quiet', '--shared', path, to]),
  copy: (to: string) => run('cp', ['-a', ready, to]),
};
type Way = keyof typeof WAYS;
const ORDER: readonly Way[] = ['workspace', 'shared', 'clone', 'copy'];
const taken: Record<Way, number[]> = { workspace: [], clone: [], shared: [], copy: [] };

// The first round warms the page cache and is not counted.
for (let round = 0; round <= rounds; round += 1) {
  for (const way of round % 2 === 0 ? ORDER : ORDER.toReversed()) {
    const began = performance.now();
    await WAYS[way](join(folder, `${way}-${round}`));
    if (round > 0) {
      taken[way].push(performance.now() - began);
    }
  }
}

const ratios = (of: Way, to: Way): number[] =>
  taken[of].map((ms, round) => ms / (taken[to][round] ?? Number.NaN));
print(SOURCE_REPOSITORY);
print(
  `on ${fileSystemOf(folder)}, ${availableParallelism()} cores, ${rounds} rounds of each in turns`,
);
print(`the repository was made in ${makingS.toFixed(0)} s; p50, and in brackets least and most`);
for (const way of ORDER) {
  print(`  ${way.padEnd(12)}${spread(taken[way], 0)} ms`);
}
print(`  workspace / clone ${spread(ratios('workspace', 'clone'), 3)}`);
print(`  workspace / shared ${spread(ratios('workspace', 'shared'), 2)}`);
const reached = printTable([
  { name: 'workspace ready', value: median(taken.workspace), unit: 'ms' },
  { name: 'of cp -a of a ready tree', value: median(ratios('workspace', 'copy')), unit: 'x' },
  {
    name: 'of git clone file://',
    value: median(ratios('workspace', 'clone')),
    unit: 'x',
    most: 0.15,
  },
  {
    name: 'of git clone --shared',
    value: median(ratios('workspace', 'shared')),
    unit: 'x',
    most: 1.5,
  },
]);
process.exitCode = reached ? 0 : 1;

/** A run's fixed numbers, from Linux' `magic.h`: what the file system takes decides half of the figures. */
function fileSystemOf(place: string): string {
  const { type } = statfsSync(place);
  const names: Record<number, string> = {
    0xef_53: 'ext4',
    0x01_02_19_94: 'tmpfs',
    0x58_46_53_42: 'xfs',
    0x91_23_68_3e: 'btrfs',
    0x79_4c_76_30: 'overlayfs',
  };
  return `${names[type] ?? `file system 0x${type.toString(16)}`} (${place})`;
}

function run(program: string, args: readonly string[], cwd = folder): string {
  return execFileSync(program, [...args], { cwd, env, encoding: 'utf8' }).trim();
}

function spread(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} [${least.toFixed(digits)} – ${most.toFixed(digits)}]`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
