import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadConfig } from '../src/config/load.ts';
import { validate as isOutput } from '../src/config/outputs-validator.generated.js';
import { type AgentRun, runNode, runScript } from './command-agent.ts';

const demo = join(import.meta.dirname, 'demo');

/** Single bugs, each in a part of the code that looks different. `from` occurs once in its file. */
const bugs = [
  { file: 'src/calendar.js', from: 'year % 4 === 0 &&', to: 'year % 4 === 0 ||' },
  { file: 'src/tax.js', from: 'rateOf(b) - rateOf(a)', to: 'rateOf(a) - rateOf(b)' },
  { file: 'src/numbering.js', from: 'Math.max(0', to: 'Math.min(0' },
  { file: 'src/statement.js', from: 'Math.floor((late', to: 'Math.ceil((late' },
];

let root: string;
/** The demo after its own agents have mended it: the ground on which other bugs are planted. */
let healthy: string;
let found: AgentRun;
let built: AgentRun;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'autodev-demo-'));
  healthy = join(root, 'healthy');
  await cp(demo, healthy, { recursive: true });

  found = await runAgent(healthy, 'bug-finder');
  built = await runAgent(healthy, 'builder', found.outputs.at(-1));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

describe('the autodev.yaml of the demo', () => {
  it('is valid without a warning and names scripts that exist', async () => {
    const source = await readFile(join(demo, 'autodev.yaml'), 'utf8');

    const loaded = await loadConfig(source, {
      readFile: (path) => readFile(join(demo, path), 'utf8'),
    });

    const scripts = source.match(/\.autodev\/[\w-]+\.mjs/g);
    expect(loaded.diagnostics).toEqual([]);
    expect(scripts).toEqual(['.autodev/bug-finder.mjs', '.autodev/builder.mjs']);
    expect([...(await readTree(demo)).keys()]).toEqual(expect.arrayContaining(scripts ?? []));
  });
});

describe('the bug-finder of the demo', () => {
  it('reports the failing test and hands it to the builder', () => {
    expect(found.code).toBe(0);
    expect(found.outputs.map(({ type }) => type)).toEqual(['issue', 'hand_off']);
    expect(found.outputs[0]).toMatchObject({
      title: 'Test fails: volumeRate > counts a tier from its own quantity on',
      labels: ['bug'],
    });
    expect(found.outputs[1]).toMatchObject({ agent: 'builder' });
    expect(found.outputs[1]?.['task']).toContain('test/discount.test.js:19');
    expect(found.outputs[1]?.['task']).toContain('0 !== 5');
  });

  it('has nothing to do when all tests pass', async () => {
    const run = await runAgent(healthy, 'bug-finder');

    expect(run.outputs).toEqual([{ type: 'noop', reason: 'All 81 tests pass.' }]);
  });

  it('writes what the schema of outputs allows, as the builder does', () => {
    const outputs = [...found.outputs, ...built.outputs];

    expect(outputs.filter((output) => !isOutput(output))).toEqual([]);
  });

  it('says the same thing twice', async () => {
    const again = await runAgent(demo, 'bug-finder');

    expect(again.outputs).toEqual(found.outputs);
  });

  it('writes at most three issues and one hand-off', async () => {
    const workspace = await plant('many', [['src/money.js', '* rate) / 100', '* rate) / 10']]);

    const run = await runAgent(workspace, 'bug-finder');

    expect(run.outputs.map(({ type }) => type)).toEqual(['issue', 'issue', 'issue', 'hand_off']);
  });

  it('reports once what fails in many tests, with the place in src/ that threw', async () => {
    const workspace = await plant('throws', [['src/numbering.js', 'match[1]', 'match[7].year']]);

    const run = await runAgent(workspace, 'bug-finder');

    expect(run.outputs.map(({ type }) => type)).toEqual(['issue', 'hand_off']);
    expect(run.outputs[1]?.['task']).toMatch(/Thrown in: src\/numbering\.js:8/);
  });
});

describe('the builder of the demo', () => {
  it('mends the bug that the demo comes with and says how', async () => {
    const source = await readFile(join(healthy, 'src/discount.js'), 'utf8');

    expect(built.code).toBe(0);
    expect(source).toContain('if (quantity >= tier.from && tier.from >= best.from) {');
    expect(built.outputs.map(({ type }) => type)).toEqual(['merge_request']);
    expect(built.outputs[0]?.['description']).toContain('80 of 81 tests pass');
    expect(built.outputs[0]?.['description']).toContain('+    if (quantity >= tier.from');
    expect(built.outputs[0]?.['description']).toContain('no model was involved');
  });

  it('changes nothing but the line that it says', async () => {
    const before = await readTree(demo);
    const after = await readTree(healthy);

    const changed = [...after.keys()].filter((path) => after.get(path) !== before.get(path));

    expect(changed).toEqual(['src/discount.js']);
    expect(after.size).toBe(before.size);
  });

  it.each(bugs)('mends $to planted in $file', async ({ file, from, to }) => {
    const workspace = await plant(`bug-${bugs.findIndex((bug) => bug.to === to)}`, [
      [file, from, to],
    ]);

    const run = await runAgent(workspace, 'builder');

    expect(run.outputs.map(({ type }) => type)).toEqual(['merge_request']);
    expect(await readTree(workspace)).toEqual(await readTree(healthy));
  });

  it('mends two bugs at once', async () => {
    const workspace = await plant('two', [
      ['src/terms.js', '> discount.days', '>= discount.days'],
      ['src/invoice.js', 'today > due', 'today >= due'],
    ]);

    const run = await runAgent(workspace, 'builder');

    expect(run.outputs.map(({ type }) => type)).toEqual(['merge_request']);
    expect(await readTree(workspace)).toEqual(await readTree(healthy));
  });

  it('asks about what it cannot mend and leaves every file as it was', async () => {
    const workspace = await plant('unfixable', [
      ['src/numbering.js', 'Math.max(0, ...serials)', 'highestOf(serials)'],
    ]);
    const before = await readTree(workspace);

    const run = await runAgent(workspace, 'builder');

    expect(run.code).toBe(0);
    expect(run.outputs.map(({ type }) => type)).toEqual(['question']);
    expect(run.outputs[0]?.['text']).toMatch(/I tried \d+ single small changes/);
    expect(run.outputs[0]?.['text']).toContain('highestOf is not defined');
    expect(await readTree(workspace)).toEqual(before);
  });

  it('asks when a test file cannot even be loaded', async () => {
    const workspace = await plant('missing', [
      ['src/discount.js', 'export function couponApplies', 'function couponApplies'],
    ]);

    const run = await runAgent(workspace, 'builder');

    expect(run.outputs.map(({ type }) => type)).toEqual(['question']);
    expect(run.outputs[0]?.['text']).toMatch(/does not provide an export named 'couponApplies'/);
  });

  it('has nothing to do when all tests pass', async () => {
    const run = await runAgent(healthy, 'builder');

    expect(run.outputs.map(({ type }) => type)).toEqual(['noop']);
  });
});

describe('the tokenizer of the builder', () => {
  it('changes nothing inside strings, comments, regular expressions and template text', async () => {
    const source = [
      `const a = 'x < 1' + "y && z"; // 2 < 3`,
      '/* 4 > 5 */ const b = /[/"`] < 6/g.test(a) ? `7 < ${a.slice(8)} ${`9 ${b}`} > 10` : 11 / 12;',
    ].join('\n');

    const texts = await mutatedTexts(source);

    expect(texts).toContain('+');
    expect(texts).toContain('8');
    expect(texts).toContain('11');
    expect(texts).toContain('11 / 12');
    expect(texts.filter((text) => /^([1-7]|9|10|<|>|&&)$/.test(text))).toEqual([]);
  });
});

/** What each mutation of a source would replace. */
async function mutatedTexts(source: string): Promise<string[]> {
  const script = `
    import { mutationsOf } from ${JSON.stringify(join(demo, '.autodev/mutations.mjs'))};
    const source = ${JSON.stringify(source)};
    console.log(JSON.stringify(mutationsOf(source).map(({ start, end }) => source.slice(start, end))));`;
  const { transcript } = await runNode(['--input-type=module', '-e', script], {
    cwd: root,
    env: {},
  });
  const texts: unknown = JSON.parse(transcript);
  return Array.isArray(texts) ? texts.map(String) : [];
}

async function plant(
  name: string,
  changes: readonly (readonly [file: string, from: string, to: string])[],
): Promise<string> {
  const workspace = join(root, name);
  await cp(healthy, workspace, { recursive: true });
  for (const [file, from, to] of changes) {
    const source = await readFile(join(workspace, file), 'utf8');
    expect(source.split(from)).toHaveLength(2);
    await writeFile(
      join(workspace, file),
      source.replace(from, () => to),
    );
  }
  return workspace;
}

/** Every file of a folder by its path, with its content. */
async function readTree(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const tree = new Map<string, string>();
  for (const path of paths.sort()) {
    tree.set(path.slice(folder.length + 1), await readFile(path, 'utf8'));
  }
  return tree;
}

function runAgent(
  workspace: string,
  agent: 'bug-finder' | 'builder',
  task: Readonly<Record<string, unknown>> = { title: 'Run the tests', task: 'Run the tests.' },
): Promise<AgentRun> {
  const { title, task: text } = task;
  return runScript(`.autodev/${agent}.mjs`, {
    workspace,
    scratch: root,
    task: { agent, title, task: text },
  });
}
