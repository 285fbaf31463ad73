import { AGENTS } from '../domain/agent.ts';
import type { Agent } from '../domain/agent.ts';
import type { Allow, AllowRule, OutputType } from '../domain/spec.ts';

const KIB = 1024;

/** What an output type may do where nobody says otherwise. */
export const OUTPUT_DEFAULTS: Readonly<Record<OutputType, AllowRule>> = {
  merge_request: { max: 1, maxPatchBytes: 512 * KIB },
  review: { max: 1 },
  comment: { max: 3 },
  issue: { max: 3 },
  hand_off: { max: 3 },
  memory: { max: 5 },
  question: { max: 1 },
  noop: { max: 1 },
};

export const OUTPUT_TYPES = [
  'merge_request',
  'review',
  'comment',
  'issue',
  'hand_off',
  'memory',
  'question',
  'noop',
] as const satisfies readonly OutputType[];

const WORKS: readonly OutputType[] = ['merge_request', 'comment', 'hand_off'];

/** Which output types each role writes, beside memory, question and noop, which all do. */
const ROLE_OUTPUTS: Readonly<Record<Agent, readonly OutputType[]>> = {
  pm: ['issue', 'comment'],
  architect: ['issue', 'comment', 'hand_off'],
  builder: WORKS,
  tester: WORKS,
  devops: WORKS,
  reviewer: ['review', 'comment'],
  security: ['review', 'comment'],
  'bug-finder': ['issue', 'hand_off'],
};

const HAND_OFF_TO: Readonly<Partial<Record<Agent, readonly Agent[]>>> = {
  architect: ['builder'],
  builder: ['reviewer'],
  tester: ['reviewer'],
  devops: ['reviewer'],
  'bug-finder': ['builder'],
};

/** What the outputs of a role may do where its file says nothing. */
export function roleAllow(agent: Agent): Allow {
  const types: readonly OutputType[] = [...ROLE_OUTPUTS[agent], 'memory', 'question', 'noop'];
  return Object.fromEntries(types.map((type) => [type, defaultRule(agent, type)]));
}

/** The rule for a type that a file allows by `true`, or the parts of it that the file leaves out. */
export function defaultRule(agent: Agent, type: OutputType): AllowRule {
  return type === 'hand_off'
    ? { ...OUTPUT_DEFAULTS.hand_off, agents: handOffTo(agent) }
    : OUTPUT_DEFAULTS[type];
}

/** A role that hands nothing off by itself may, once its file allows it, hand to every other one. */
function handOffTo(agent: Agent): readonly Agent[] {
  return HAND_OFF_TO[agent] ?? AGENTS.filter((other) => other !== agent);
}
