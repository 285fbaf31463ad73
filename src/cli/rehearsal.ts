import { readRoles } from '../config/roles.ts';
import type { Agent } from '../domain/agent.ts';
import type { AgentSpec } from '../domain/spec.ts';
import { BOX_FOLDERS, WORKER_VARIABLES } from '../runner/box-layout.ts';
import { promptOf } from '../runner/prompt.ts';
import { taskOf } from '../runner/task-file.ts';
import { baseEnvironment } from '../sandbox/bubblewrap-options.ts';
import type { Output } from './output.ts';
import { oneLine, plain } from './output.ts';
import { fieldList } from './text-table.ts';
import { spanWord, usdWord } from './words.ts';

/** What an attempt of an agent would begin with. */
export interface Rehearsal {
  agent: Agent;
  enabled: boolean;
  mode: AgentSpec['mode'];
  /** The task file as the worker would read it, with placeholders for what only a real job has. */
  task: object;
  /** What a model would be told; null where every provider is a program of the repository. */
  prompt: string | null;
  providers: AgentSpec['providers'];
  limits: AgentSpec['limits'];
  setup: AgentSpec['setup'];
  check: AgentSpec['check'];
  outputs: AgentSpec['allow'];
  box: {
    /** Paths as the worker sees them. */
    folders: { at: string; writable: boolean }[];
    /** Names of all variables; values stay out of it. */
    variables: string[];
    /** Hosts that `setup` reaches through the proxy; the worker itself has no network. */
    network: string[];
  };
}

interface RehearsalOptions {
  agent: Agent;
  spec: AgentSpec;
  /** Undefined: the role's standing task. */
  task: string | undefined;
  /** What the repository is called in the task file. */
  repo: string;
}

const FIRST_LINE = /^.*/u;

export async function rehearsal({
  agent,
  spec,
  task: given,
  repo,
}: RehearsalOptions): Promise<Rehearsal> {
  const { [agent]: role } = await readRoles();
  const task = given ?? role.task;
  const [title = ''] = FIRST_LINE.exec(task) ?? [];
  const base = "(the default branch's head)";
  const asksModel = spec.providers.some(({ name }) => name !== 'command');
  return {
    agent,
    enabled: spec.enabled,
    mode: spec.mode,
    task: taskOf(
      {
        job: {
          id: 1,
          attempts: 1,
          agent,
          title,
          task,
          subject: null,
          trigger: { kind: 'manual', actor: 'you' },
          input: [],
        },
        repo: { id: 1, path: repo },
        spec,
      },
      { base, role: role.instructions },
    ),
    prompt: asksModel
      ? promptOf({
          role,
          repo,
          base,
          spec,
          memory: [],
          subject: [],
          job: { title, task, trust: 'owner', input: [] },
        })
      : null,
    providers: spec.providers,
    limits: spec.limits,
    setup: spec.setup,
    check: spec.check,
    outputs: spec.allow,
    box: {
      folders: BOX_FOLDERS.map(({ at, writable }) => ({ at, writable })),
      variables: [
        ...Object.keys(baseEnvironment('', '')),
        ...Object.keys(WORKER_VARIABLES),
        ...Object.keys(spec.env),
      ],
      network: [...spec.network.allow],
    },
  };
}

export function rehearsalPage({ paint }: Output, rehearsed: Rehearsal): string {
  const { limits, box, check } = rehearsed;
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
    ['network', box.network.length === 0 ? 'none' : `setup only: ${box.network.join(', ')}`],
    ['variables', box.variables.map(oneLine).join(', ')],
  ]);
  const folders = box.folders.map(
    ({ at, writable }) => `  ${at}  ${writable ? 'may be written' : 'may be read'}`,
  );
  return [
    paint('bold', `${rehearsed.agent} would be given`),
    fields,
    `\n${paint('bold', 'Its box')}\n${folders.join('\n')}\n  /tmp  may be written, is memory`,
    `\n${paint('bold', `Its task file (${WORKER_VARIABLES.AUTODEV_TASK_FILE})`)}\n${plain(JSON.stringify(rehearsed.task, undefined, 2))}`,
    ...(rehearsed.prompt === null
      ? []
      : [`\n${paint('bold', 'Its prompt')}\n${plain(rehearsed.prompt)}`]),
  ].join('\n');
}
