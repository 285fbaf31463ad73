import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

/**
 * What a command costs beside an empty Node, as a person at a prompt waits for it: whole processes, one after the
 * other in turns, so that what else the machine does falls on all of them. Ends with 1 when `validate` misses its
 * goal. Takes under a minute.
 *
 *     npx node bench/cli-start.ts [rounds]
 */
const rounds = Number(process.argv[2] ?? 25);
const top = path.join(import.meta.dirname, '..');
const program = path.join(top, 'bin/autodev.js');

const EMPTY = ['-e', '0'];
const CASES = [
  { name: 'validate', args: [program, 'validate'], goal: 4 },
  { name: '--help', args: [program, '--help'], goal: undefined },
  { name: '--version', args: [program, '--version'], goal: undefined },
] as const;

// The example in a repository that has the file it names: so it is valid, and all of its way is gone.
const repository = mkdtempSync(path.join(tmpdir(), 'autodev-bench-'));
process.once('exit', () => rmSync(repository, { recursive: true }));
copyFileSync(path.join(top, 'examples/autodev.yaml'), path.join(repository, 'autodev.yaml'));
mkdirSync(path.join(repository, '.autodev'));
writeFileSync(path.join(repository, '.autodev/builder.md'), 'Keep changes small.\n');

interface Pair {
  empty: number;
  command: number;
}

// The first starts fill the compile cache and the page cache.
for (let round = 0; round < 3; round += 1) {
  for (const { args } of CASES) {
    startMs(EMPTY);
    startMs(args);
  }
}

const pairs = new Map<string, Pair[]>(CASES.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const { name, args } of CASES) {
    // Which of the two goes first alternates, so that neither always runs on the caches of the other.
    const first = round % 2 === 0 ? startMs(EMPTY) : undefined;
    const command = startMs(args);
    pairs.get(name)?.push({ empty: first ?? startMs(EMPTY), command });
  }
}

print(`${rounds} rounds, medians, Node ${process.version}`);
for (const { name, goal } of CASES) {
  const measured = pairs.get(name) ?? [];
  const empty = median(measured.map((pair) => pair.empty));
  const command = median(measured.map((pair) => pair.command));
  const ratio = median(measured.map((pair) => pair.command / pair.empty));
  const verdict =
    goal === undefined ? '' : `  goal ${goal.toFixed(2)}: ${ratio <= goal ? 'met' : 'MISSED'}`;
  print(
    `${name.padEnd(10)} ${command.toFixed(1)} ms, empty Node ${empty.toFixed(1)} ms, ratio ${ratio.toFixed(2)}${verdict}`,
  );
  if (goal !== undefined && ratio > goal) {
    process.exitCode = 1;
  }
}

function startMs(args: readonly string[]): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: repository,
    encoding: 'utf8',
  });
  const ms = performance.now() - began;
  if (status !== 0) {
    throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  }
  return ms;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
