/**
 * The builder: searches small code changes until all tests pass. No model is involved, and nothing here
 * knows a bug: tests say what is wrong, coverage says where to look, and the tests judge each try.
 */
import { readFile, writeFile } from 'node:fs/promises';

import { readTask, say, SIGNATURE, write } from './agent.mjs';
import { applyTo, search } from './search.mjs';
import { runSuite } from './suite.mjs';
import { measure, rankCandidates } from './suspicion.mjs';

const MAX_CANDIDATES = 300;
const MAX_MS = 90_000;
const MAX_CHANGES = 3;
/** For one test file; many wrong changes loop for ever, so this must be short. */
const TRY_TIMEOUT_MS = 2_000;

const started = Date.now();
say(`Task: ${readTask().title}`);

const before = await runSuite();
say(`Before: ${summary(before)}`);

if (before.failures.length === 0) {
  write({ type: 'noop', reason: `Nothing to fix: ${summary(before)}` });
} else {
  await build();
}

async function build() {
  const originals = new Map();
  const changes = [];
  let tried = 0;
  let now = before;

  while (now.failures.length > 0 && changes.length < MAX_CHANGES) {
    const candidates = rankCandidates(await measure(now.files));
    say(`${candidates.length} possible changes in ${namesOf(candidates) || 'no file'}.`);

    const failing = [...new Set(now.failures.map((test) => test.file))];
    const found = await search(candidates, {
      failing,
      passing: now.files.filter((file) => !failing.includes(file)),
      limit: MAX_CANDIDATES - tried,
      until: started + MAX_MS,
      testTimeout: TRY_TIMEOUT_MS,
    });
    tried += found.tried;
    const [best, ...others] = found.accepted;
    if (!best) {
      break;
    }

    const source = await readFile(best.file, 'utf8');
    const change = await diff(best);
    const asGood = others.filter((other) => other.fixed.join() === best.fixed.join());
    changes.push({ text: change, others: await Promise.all(asGood.map(diff)) });
    originals.set(best.file, originals.get(best.file) ?? source);
    await writeFile(best.file, applyTo(source, best));
    say(`Try ${best.rank + 1} helps:\n${change}`);
    now = await runSuite();
  }

  say(`After: ${summary(now)}`);
  if (now.failures.length === 0) {
    propose(changes, tried, now);
    return;
  }
  for (const [file, source] of originals) {
    await writeFile(file, source);
  }
  say(`No luck after ${tried} tries; every file is as it was.`);
  write({ type: 'question', text: confession(tried, now) });
}

function propose(changes, tried, after) {
  const first = before.failures[0];
  const others = changes.flatMap((change) => change.others);
  write({
    type: 'merge_request',
    title:
      changes.length === 1 ? `Fix ${first.name}` : `Fix ${before.failures.length} failing tests`,
    description: [
      `**What failed:** ${list(before.failures)}`,
      `\`\`\`text\n${first.message}\n\`\`\``,
      '**What changed:**',
      ...changes.map((change) => fence(change.text)),
      `**Evidence:** before: ${summary(before)} After: ${summary(after)}`,
      `Found as one of ${tried} small changes tried where the failing tests' coverage points.`,
      ...(others.length > 0 ? ['**Other changes that pass all tests too** (please judge):'] : []),
      ...others.slice(0, 3).map(fence),
      SIGNATURE,
    ].join('\n\n'),
  });
}

function confession(tried, { failures }) {
  const seconds = Math.round((Date.now() - started) / 1000);
  return [
    `I could not make this pass: ${list(failures)}.`,
    tried === 0
      ? 'No line of src/ could be tied to it, so nothing was tried: something may be missing, not wrong.'
      : `I tried ${tried} single small changes (operators, boundaries, rounding, literals, argument order) in ${seconds} s, and none of them makes all tests pass.`,
    `The message is: ${failures[0].message}`,
    'No file was changed. It needs someone who can write new code. How should it behave?',
    SIGNATURE,
  ].join('\n\n');
}

function summary({ tests, failures }) {
  return `${tests.length - failures.length} of ${tests.length} tests pass.`;
}

function list(failures) {
  const names = failures.slice(0, 10).map(({ name, file, line }) => `${name} (${file}:${line})`);
  const more = failures.length - names.length;
  return [...names, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function namesOf(candidates) {
  return [...new Set(candidates.map((candidate) => candidate.file))].join(', ');
}

/** The lines that a change touches, as `-old` and `+new`. */
async function diff(change) {
  const source = await readFile(change.file, 'utf8');
  const from = source.lastIndexOf('\n', change.start - 1) + 1;
  const to = source.indexOf('\n', change.end - 1) + 1 || source.length;
  const old = source.slice(from, to).trimEnd();
  const fresh = applyTo(old, { ...change, start: change.start - from, end: change.end - from });
  const line = source.slice(0, from).split('\n').length;
  const marked = (mark, block) => block.split('\n').map((row) => `${mark}${row}`);
  return [`${change.file}:${line}`, ...marked('-', old), ...marked('+', fresh)].join('\n');
}

function fence(text) {
  return `\`\`\`diff\n${text}\n\`\`\``;
}
