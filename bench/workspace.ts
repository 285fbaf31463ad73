import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

import { createGit } from '../src/forge/git.ts';
import { createLocalForge } from '../src/forge/local/forge.ts';
import { createWorkspace } from '../src/forge/workspace.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { print, printTable } from './print-table.ts';

/**
 * How long a worker waits for its tree, beside the two ways in which git alone makes one, on a repository of
 * 4,000 files and 5,000 commits. One of each in turns; ends with 1 when a goal is missed. Takes under 90 s.
 *
 *     npx node bench/workspace.ts [rounds]
 */
const [FILES, COMMITS, CHANGES] = [4_000, 5_000, 3];
const rounds = Number(process.argv[2] ?? 5);

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'autodev-bench-')));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'repo');
const mirror = join(folder, 'mirror.git');
const PATH = process.env['PATH'] ?? '';
const { signal } = new AbortController();

makeRepository();
const git = createGit({ path: PATH });
const forge = createLocalForge({
  git,
  clock: systemClock,
  scratch: folder,
  identity: { name: 'Bench', email: 'bench@localhost' },
});
await forge.fetchMirror({ id: 1, path: 'repo', location: path, branch: 'main' }, mirror, signal);
const commit = sh(['rev-parse', 'main'], path);

const WAYS = {
  workspace: (to: string) =>
    createWorkspace({ git }, { mirror, folder: to, commit, branch: 'autodev/bench' }, signal),
  clone: async (to: string) => void sh(['clone', '--quiet', `file://${path}`, to]),
  shared: async (to: string) => void sh(['clone', '--quiet', '--shared', path, to]),
};
type Way = keyof typeof WAYS;
const taken: Record<Way, number[]> = { workspace: [], clone: [], shared: [] };
const order: readonly Way[] = ['workspace', 'clone', 'shared'];

// The first round warms the page cache and is not counted.
for (let round = 0; round <= rounds; round += 1) {
  for (let turn = 0; turn < order.length; turn += 1) {
    // Each goes first, second and last equally often: one writes back what the one before it left.
    const way = order[(round + turn) % order.length] ?? 'workspace';
    const to = join(folder, `${way}-${round}`);
    const began = performance.now();
    await WAYS[way](to);
    if (round > 0) {
      taken[way].push(performance.now() - began);
    }
    rmSync(to, { recursive: true });
  }
}

const ratioTo = (way: Way): number =>
  median(taken.workspace.map((ms, i) => ms / (taken[way][i] ?? Number.NaN)));
print(`${FILES} files, ${COMMITS} commits, medians of ${rounds} rounds`);
const reached = printTable([
  { name: 'workspace ready', value: median(taken.workspace), unit: 'ms' },
  { name: 'git clone file://', value: median(taken.clone), unit: 'ms' },
  { name: 'git clone --shared', value: median(taken.shared), unit: 'ms' },
  { name: 'of git clone file://', value: ratioTo('clone'), unit: 'x', most: 0.15 },
  { name: 'of git clone --shared', value: ratioTo('shared'), unit: 'x', most: 1.5 },
]);
process.exitCode = reached ? 0 : 1;

/** A history by `git fast-import`, then packed as a server's nightly `git gc` leaves it. */
function makeRepository(): void {
  mkdirSync(path);
  sh(['init', '--quiet', '--initial-branch=main'], path);
  execFileSync('git', ['fast-import', '--quiet'], { cwd: path, env: { PATH }, input: history() });
  sh(['repack', '-a', '-d', '--quiet'], path);
}

function history(): string {
  const lines: string[] = [];
  for (let n = 0; n < COMMITS; n += 1) {
    const message = `Change ${n}`;
    lines.push(
      'commit refs/heads/main',
      `committer Bench <bench@localhost> ${1_700_000_000 + n * 600} +0000`,
      `data ${message.length}\n${message}`,
    );
    const first = n === 0;
    for (let i = 0; i < (first ? FILES : CHANGES); i += 1) {
      const file = first ? i : (n * 7_919 + i * 1_297) % FILES;
      const content = contentOf(file, n);
      lines.push(`M 100644 inline ${pathOf(file)}`, `data ${content.length}\n${content}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function pathOf(file: number): string {
  return `packages/p${file % 20}/src/m${Math.floor(file / 20) % 20}/file-${file}.ts`;
}

/** About 8 kB of lines, of which a change replaces a tenth by what does not compress well, as people's do. */
function contentOf(file: number, version: number): string {
  return Array.from({ length: 120 }, (_, line) => {
    const seed = line % 10 === version % 10 ? version : 0;
    const words = [1, 2, 3, 4].map((n) => hash(file * 131 + line * 7 + n, seed).toString(36));
    return `export const value${line} = compute('${words.join('')}', ${line});`;
  }).join('\n');
}

function hash(a: number, b: number): number {
  const mixed = Math.imul(a + 1, 2_654_435_761) ^ Math.imul(b + 1, 1_597_334_677);
  return Math.imul(mixed ^ (mixed >>> 15), 2_246_822_519) >>> 0;
}

function sh(args: readonly string[], cwd = folder): string {
  const env = { PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  return execFileSync('git', [...args], { cwd, env, encoding: 'utf8' }).trim();
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
