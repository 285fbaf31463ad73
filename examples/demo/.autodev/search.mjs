/** Tries candidates in copies of the project; the working tree stays as it is until one is accepted. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { verdictOn } from './suite.mjs';

const WORKERS = 2;
/** After the first candidate that mends everything, so many more are tried, to tell the reviewer of other ways. */
const LOOK_FURTHER = 8;
/** After one that mends only some of it: there may be a better one, or there are two bugs. */
const LOOK_FOR_BETTER = 16;
/** What was late may loop for ever, or the machine was busy: when nothing else helps, it gets this much more time. */
const PATIENCE = 4;

/**
 * Returns `{ accepted, tried }`: the candidates with which more test files pass than before and none
 * breaks, best first, each with its `rank` and `fixed`, the failing test files that now pass. When nothing helps,
 * those that did not end in time are tried once more, with more of it.
 */
export async function search(candidates, { limit, ...how }) {
  const queue = candidates.slice(0, limit).map((candidate, rank) => ({ ...candidate, rank }));
  const first = await searchOnce(queue, how);
  if (first.accepted.length > 0 || first.late.length === 0) {
    return first;
  }
  const again = await searchOnce(first.late, { ...how, testTimeout: how.testTimeout * PATIENCE });
  return { accepted: again.accepted, tried: first.tried };
}

async function searchOnce(queue, { failing, passing, until, testTimeout }) {
  const accepted = [];
  const late = [];
  let tried = 0;
  let last = queue.length;

  const worker = async () => {
    const copy = await copyProject();
    try {
      while (tried < last && Date.now() < until) {
        const turn = tried;
        tried += 1;
        const fixed = await tryIn(copy, queue[turn]);
        if (fixed.length > 0) {
          accepted.push({ ...queue[turn], fixed });
          const further = fixed.length === failing.length ? LOOK_FURTHER : LOOK_FOR_BETTER;
          last = Math.min(last, turn + further);
        }
      }
    } finally {
      await rm(copy, { recursive: true });
    }
  };

  const tryIn = async (copy, candidate) => {
    const target = join(copy, candidate.file);
    const original = await readFile(target, 'utf8');
    await writeFile(target, applyTo(original, candidate));
    let anyLate = false;
    const passes = async (file) => {
      const verdict = await verdictOn(file, { cwd: copy, timeout: testTimeout });
      anyLate ||= verdict === 'late';
      return verdict === 'passed';
    };
    try {
      const fixed = await filterAsync(failing, passes);
      // Most candidates end here. Only one that helps has to show that it harms nothing.
      const harmless = fixed.length > 0 && (await everyAsync(passing, passes));
      return harmless ? fixed : [];
    } finally {
      await writeFile(target, original);
      if (anyLate) {
        late.push(candidate);
      }
    }
  };

  await Promise.all(Array.from({ length: WORKERS }, worker));
  accepted.sort((a, b) => b.fixed.length - a.fixed.length || a.rank - b.rank);
  return { accepted, late, tried };
}

export function applyTo(source, { start, end, text }) {
  return source.slice(0, start) + text + source.slice(end);
}

async function copyProject() {
  const copy = await mkdtemp(join(tmpdir(), 'candidate-'));
  await cp('.', copy, { recursive: true, filter: (path) => basename(path) !== '.git' });
  return copy;
}

async function filterAsync(items, predicate) {
  const kept = [];
  for (const item of items) {
    if (await predicate(item)) {
      kept.push(item);
    }
  }
  return kept;
}

async function everyAsync(items, predicate) {
  for (const item of items) {
    if (!(await predicate(item))) {
      return false;
    }
  }
  return true;
}
