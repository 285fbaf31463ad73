import { readRoles } from '../config/roles.ts';
import type { Agent } from '../domain/agent.ts';
import type { AgentSpec } from '../domain/spec.ts';
import type { Output } from './output.ts';
import { plain } from './output.ts';
import { fieldList } from './text-table.ts';
import { spanWord, usdWord } from './words.ts';

/** What an attempt of an agent would begin with. */
export interface Rehearsal {
  agent: Agent;
  enabled: boolean;
  mode: AgentSpec['mode'];
  task: string;
  instructions: { role: string; own: string | null };
  providers: AgentSpec['providers'];
  limits: AgentSpec['limits'];
  setup: AgentSpec['setup'];
  check: AgentSpec['check'];
  outputs: AgentSpec['allow'];
  sandbox: { writes: string[]; network: string[]; env: string[] };
}

interface RehearsalOptions {
  agent: Agent;
  spec: AgentSpec;
  /** Undefined: the role's standing task. */
  task: string | undefined;
}

export async function rehearsal({ agent, spec, task }: RehearsalOptions): Promise<Rehearsal> {
  const { [agent]: role } = await readRoles();
  return {
    agent,
    enabled: spec.enabled,
    mode: spec.mode,
    task: task ?? role.task,
    instructions: { role: role.instructions, own: spec.instructions?.text ?? null },
    providers: spec.providers,
    limits: spec.limits,
    setup: spec.setup,
    check: spec.check,
    outputs: spec.allow,
    sandbox: {
      writes: ['the workspace', 'its outputs.jsonl', '/tmp'],
      // The worker itself has none; setup reaches these hosts through the proxy.
      network: [...spec.network.allow],
      env: Object.keys(spec.env),
    },
  };
}

export function rehearsalPage({ paint }: Output, rehearsed: Rehearsal): string {
  const { limits, instructions, sandbox, check } = rehearsed;
  const providers = rehearsed.providers.map(({ name, model, run }) =>
    [name, model, run?.join(' ')].filter(Boolean).join(' '),
  );
  const outputs = Object.entries(rehearsed.outputs).map(
    ([type, rule]) => `${type} (at most ${rule.max})`,
  );
  const fields = fieldList([
    ['mode', `${rehearsed.mode}${rehearsed.enabled ? '' : ', disabled: it takes no jobs'}`],
    ['providers', plain(providers.join(', then '))],
    [
      'an attempt',
      `${usdWord(limits.microUsd / 1_000_000)}, ${limits.tokens} tokens, ${limits.turns} turns`,
    ],
    ['time', `${spanWord(limits.wallMs)}, ${spanWord(limits.idleMs)} without a word`],
    ['memory', `${Math.round(limits.memoryBytes / 2 ** 20)} MiB`],
    ['attempts', String(limits.attempts)],
    ['setup', plain(rehearsed.setup.join(' && ')) || 'nothing'],
    [
      'check',
      plain(check === 'pipeline' ? "the repository's pipeline" : check.join(' && ')) || 'nothing',
    ],
    ['may ask for', outputs.join(', ')],
    ['may write', sandbox.writes.join(', ')],
    [
      'network',
      sandbox.network.length === 0 ? 'none' : `setup only: ${sandbox.network.join(', ')}`,
    ],
    ['variables', sandbox.env.join(', ') || 'none (setup and check only)'],
  ]);
  return [
    paint('bold', `${rehearsed.agent} would be given`),
    fields,
    `\n${paint('bold', 'Task')}\n${plain(rehearsed.task)}`,
    `\n${paint('bold', 'Instructions of the role')}\n${plain(instructions.role)}`,
    ...(instructions.own === null
      ? []
      : [`\n${paint('bold', 'Your instructions')}\n${plain(instructions.own)}`]),
  ].join('\n');
}
