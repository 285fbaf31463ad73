/** The bug-finder: runs the tests, reports what fails, and hands the work to the builder. No model is involved. */
import { readTask, say, SIGNATURE, write } from './agent.mjs';
import { runSuite } from './suite.mjs';

const MAX_ISSUES = 3;

say(`Task: ${readTask().title}`);
const { tests, failures } = await runSuite();
say(`Ran ${tests.length} tests: ${tests.length - failures.length} pass, ${failures.length} fail.`);

if (tests.length === 0) {
  write({
    type: 'question',
    text: 'node --test found no test here. Where are the tests of this project?',
  });
} else if (failures.length === 0) {
  write({ type: 'noop', reason: `All ${tests.length} tests pass.` });
} else {
  const distinct = distinctFailures(failures);
  for (const failure of distinct.slice(0, MAX_ISSUES)) {
    say(`FAIL ${failure.name} (${failure.file}:${failure.line})`);
    write({
      type: 'issue',
      title: `Test fails: ${failure.name}`,
      description: `${describe(failure)}\n\nReproduce it with \`node --test ${failure.file}\`.\n\n${SIGNATURE}`,
      labels: ['bug'],
    });
  }
  const more = distinct.length - MAX_ISSUES;
  write({
    type: 'hand_off',
    agent: 'builder',
    title:
      distinct.length === 1 ? `Fix ${distinct[0].name}` : `Fix ${distinct.length} failing tests`,
    task: [
      'Make these tests pass without breaking another one:',
      ...distinct.slice(0, MAX_ISSUES).map(describe),
      ...(more > 0 ? [`And ${more} more: \`node --test\` lists them.`] : []),
    ].join('\n\n'),
  });
  say('Handed off to the builder.');
}

/** Tests that fail at the same place of src/ fail for the same reason: the first one speaks for all. */
function distinctFailures(all) {
  const byPlace = new Map();
  for (const failure of all) {
    const place = failure.frames[0] ?? `${failure.file} ${failure.name}`;
    byPlace.set(place, byPlace.get(place) ?? failure);
  }
  return [...byPlace.values()];
}

function describe({ name, file, line, message, frames }) {
  const where =
    frames.length > 0
      ? `Thrown in: ${frames.join(', ')}`
      : 'Nothing was thrown in src/: a result is wrong.';
  return [`**${name}**`, `Test: ${file}:${line}`, where, `\`\`\`text\n${message}\n\`\`\``].join(
    '\n\n',
  );
}
