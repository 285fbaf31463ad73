import { expect, test } from 'vitest';

import type { Agent } from '../domain/agent.ts';
import { AGENTS } from '../domain/agent.ts';
import type { OutputContext } from '../domain/outputs.ts';
import { checkOutputs } from '../domain/outputs.ts';
import { readOutputLine } from './outputs.ts';
import { OUTPUT_TYPES, roleAllow } from './roles-allow.ts';
import { readRoles } from './roles.ts';

const roles = await readRoles();

/** What a job of each role is usually about: reviews need a merge request, comments somewhere to stand. */
const SUBJECTS = {
  pm: 'issue',
  architect: 'issue',
  builder: 'issue',
  reviewer: 'merge_request',
  tester: 'none',
  security: 'merge_request',
  devops: 'commit',
  'bug-finder': 'none',
} as const satisfies Record<Agent, OutputContext['subject']>;

test.for(AGENTS)('the worked outputs of %s are what it may write by default', (agent) => {
  const [example, ...others] = workedExamples(agent);
  const read = (example ?? '').split('\n').map(readOutputLine);
  const lines = read.flatMap((one, i) =>
    'output' in one ? [{ line: i + 1, output: one.output }] : [],
  );

  const { refusals } = checkOutputs(lines, {
    allow: roleAllow(agent),
    subject: SUBJECTS[agent],
    patchBytes: 1,
    repos: [],
  });

  expect(others).toEqual([]);
  expect(read.filter((one) => 'problem' in one)).toEqual([]);
  expect(lines.length).toBeGreaterThan(0);
  expect(refusals).toEqual([]);
});

test.for(AGENTS)('%s describes each output that it may write, and no other', (agent) => {
  const described = OUTPUT_TYPES.filter((type) =>
    roles[agent].instructions.includes(`\`${type}\``),
  );
  const allowed = OUTPUT_TYPES.filter((type) => roleAllow(agent)[type] !== undefined);

  // Memory counts with merged work; who merges nothing has nothing to say about it.
  const expected = allowed.filter((type) => type !== 'memory' || allowed.includes('merge_request'));
  expect(described).toEqual(expected);
});

test.for(AGENTS)('%s fits on a page and says when to ask', (agent) => {
  const { instructions } = roles[agent];

  expect(linesOf(agent).size).toBeGreaterThan(25);
  expect(instructions.length).toBeLessThan(8000);
  expect(instructions).toMatch(/\bask\b/iu);
});

test('no two roles share a fifth of their lines', () => {
  const pairs = AGENTS.flatMap((one, i) =>
    AGENTS.slice(i + 1).map((other) => [one, other] as const),
  );

  const alike = pairs.filter(([one, other]) => {
    const [a, b] = [linesOf(one), linesOf(other)];
    return a.intersection(b).size >= Math.min(a.size, b.size) / 5;
  });

  expect(alike).toEqual([]);
});

function linesOf(agent: Agent): Set<string> {
  const lines = roles[agent].instructions.split('\n').map((line) => line.trim());
  return new Set(lines.filter((line) => line !== ''));
}

function workedExamples(agent: Agent): string[] {
  const blocks = roles[agent].instructions.matchAll(/^```jsonl\n([\s\S]*?)\n```$/gmu);
  return [...blocks].map(([, text = '']) => text);
}
