import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type AgentRun, runScript } from './command-agent.ts';

const guide = join(import.meta.dirname, '../docs/guides/command-agents.md');

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'autodev-guide-'));
  await mkdir(join(root, 'src'));
  const [, script = ''] = /```js\n([\s\S]+?)```/.exec(await readFile(guide, 'utf8')) ?? [];
  await writeFile(join(root, 'todo-finder.mjs'), script);
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

describe('the example of the guide to command agents', () => {
  it('has nothing to do in a project without a TODO', async () => {
    await writeFile(join(root, 'src/a.js'), 'export const a = 1;\n');

    const run = await runExample();

    expect(run).toEqual({
      code: 0,
      transcript: 'Task: Find TODOs\nFound 0.\n',
      outputs: [{ type: 'noop', reason: 'Nothing is marked TODO.' }],
    });
  });

  it('files one issue that lists them all', async () => {
    await writeFile(join(root, 'src/a.js'), 'export const a = 1;\n// TODO: explain a\n');
    await writeFile(join(root, 'src/b.js'), 'export const b = 2; // TODO use it\n');

    const run = await runExample();

    expect(run.outputs).toEqual([
      {
        type: 'issue',
        title: '2 TODOs',
        description: '- src/a.js:2: explain a\n- src/b.js:1: use it',
        labels: ['todo'],
      },
    ]);
  });
});

function runExample(): Promise<AgentRun> {
  const task = { agent: 'tester', title: 'Find TODOs', task: 'Find what is marked TODO.' };
  return runScript('todo-finder.mjs', { workspace: root, scratch: root, task });
}
