import { isAgent } from '../domain/agent.ts';
import type { AgentSpec, RepoSpec } from '../domain/spec.ts';

const MIB = 1024 * 1024;

/** What a test says of an agent; `worker` is the text of a shell script that does its work. */
export type AgentFixture = Partial<Omit<AgentSpec, 'limits'>> & {
  readonly worker?: string;
  readonly limits?: Partial<AgentSpec['limits']>;
};

/** What is in force in a test: these agents, and else nothing. */
export function repoSpec(
  agents: Readonly<Record<string, AgentFixture>>,
  rest: Partial<RepoSpec>,
): RepoSpec {
  return {
    version: 1,
    timezone: 'UTC',
    mode: 'live',
    agents: Object.fromEntries(
      Object.entries(agents).map(([name, { worker: _worker, limits, ...spec }]) => [
        name,
        {
          ...defaultAgent(isAgent(name) ? name : 'builder'),
          ...spec,
          limits: { ...LIMITS, ...limits },
        },
      ]),
    ),
    schedules: {},
    triggers: {},
    budgets: {},
    approvals: {},
    merge: 'human',
    memory: { keepMs: 1 },
    links: { allow: [] },
    ...rest,
  };
}

const LIMITS: AgentSpec['limits'] = {
  tokens: 1000,
  microUsd: 1_000_000,
  turns: 10,
  wallMs: 20_000,
  idleMs: 20_000,
  attempts: 1,
  memoryBytes: 1024 * MIB,
  min: 0.1,
  lifetimeMs: 86_400_000,
};

function defaultAgent(name: string): AgentSpec {
  return {
    enabled: true,
    mode: 'live',
    providers: [{ name: 'command', run: ['/bin/sh', `.autodev/${name}.sh`], llm: false }],
    concurrency: 1,
    limits: LIMITS,
    maxOpenMergeRequests: 3,
    neverDowngrade: false,
    setup: [],
    check: [],
    network: { allow: [] },
    env: {},
    paths: [],
    allow: {
      merge_request: { max: 1, maxPatchBytes: 100_000 },
      issue: { max: 3 },
      comment: { max: 3 },
      noop: { max: 1 },
      question: { max: 1 },
      hand_off: { max: 3, agents: ['builder', 'tester'] },
    },
  };
}
