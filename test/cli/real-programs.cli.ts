import { expect } from 'vitest';

import { isJsonObject } from '../../src/domain/canonical-json.ts';
import { runJob, untilInForce, untilJob } from '../e2e/follow-jobs.ts';
import { sandboxArgs, startInstance } from '../e2e/instance.ts';
import type { Instance } from '../e2e/instance.ts';
import { test as base } from '../e2e/machine-test.ts';
import type { Reply } from '../llm/replies.ts';
import { failureReply } from '../llm/scenarios.ts';
import type { LlmStandIn, StandInRequest } from '../llm/stand-in.ts';
import { startLlmStandIn } from '../llm/stand-in.ts';
import { installPrograms } from './install-programs.ts';

const KEYS = {
  OPENAI_API_KEY: 'sk-canary-codex-0123456789abcdef',
  ANTHROPIC_API_KEY: 'sk-canary-claude-0123456789abcdef',
};
/** What the stand-in says that a call used: 300 of input, 800 cached, 100 written to the cache, 45 of output. */
const TOKENS_COUNTED = 300 + 100 + 45;
/** Micro-USD of that at the list prices of the default models, in the four kinds of tokens. */
const COST = {
  codex: 300 * 2.5 + 800 * 0.25 + 100 * 2.5 + 45 * 15,
  claude: 300 * 3 + 800 * 0.3 + 100 * 3.75 + 45 * 15,
};
const API = { codex: 'responses', claude: 'messages' } as const;
/** Changes a file, and looks for keys and for what else there is in all environments that it can read. */
const WORK = [
  'echo two >> src/add.txt',
  "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' > /tmp/seen; env >> /tmp/seen",
  'for what in "can[a]ry" AUTODEV_OUTPUTS; do grep -c $what /tmp/seen >> src/seen.txt; done; true',
].join('\n');

interface Stage {
  readonly instance: Instance;
  readonly models: LlmStandIn;
  /** The APIs that are at their limit. */
  readonly limited: Set<string>;
}

const test = base.extend<{ $file: { stage: Stage } }>({
  stage: [
    async ({ machine }, use) => {
      const { codex, claude } = await installPrograms();
      const limited = new Set<string>();
      await using models = await startLlmStandIn((request) =>
        limited.has(request.api)
          ? failureReply('usage limit', request.api, Date.now())
          : work(request),
      );
      const env = {
        ...machine.env,
        ...KEYS,
        OPENAI_BASE_URL: models.baseUrls.codex,
        ANTHROPIC_BASE_URL: models.baseUrls.claude,
        CODEX_BIN: codex,
        CLAUDE_BIN: claude,
      };
      const repos = await Promise.all(
        (['codex', 'claude'] as const).map((first) =>
          machine.repository(`${first}-first`, {
            'src/add.txt': 'one\n',
            'autodev.yaml': `version: 1\nagents:\n  builder: { providers: [${first}, ${first === 'codex' ? 'claude' : 'codex'}] }\n`,
          }),
        ),
      );
      const args = [...repos.flatMap((repo) => ['--repo', repo]), ...sandboxArgs()];
      await using instance = await startInstance({ ...machine, env }, { args });
      await untilInForce(instance, 'codex-first');
      await untilInForce(instance, 'claude-first');
      await use({ instance, models, limited });
    },
    { scope: 'file' },
  ],
});

/** A model that has its worker run one command, with whatever tool that has for it, and then says that it is done. */
function work({ api, body }: StandInRequest): Reply {
  const said = JSON.stringify(body[api === 'responses' ? 'input' : 'messages']);
  if (said.includes('"function_call_output"') || said.includes('"tool_result"')) {
    return { kind: 'text', text: 'It says two now.' };
  }
  if (api === 'messages') {
    return { kind: 'tool', name: 'Bash', input: { command: WORK, description: 'work' } };
  }
  const tools = Array.isArray(body['tools']) ? body['tools'] : [];
  const names = tools.map((tool: unknown) => (isJsonObject(tool) ? tool['name'] : undefined));
  return names.includes('exec_command')
    ? { kind: 'tool', name: 'exec_command', input: { cmd: WORK } }
    : { kind: 'tool', name: 'shell_command', input: { command: WORK } };
}

test.for(['codex', 'claude'] as const)(
  '%s edits a file in the box, is metered exactly, and its work becomes a merge request',
  async (name, { stage: { instance, models }, machine }) => {
    const before = models.requests.length;
    const { id } = await runJob(instance, `${name}-first`, 'Make it say two.');

    const job = await untilJob(instance, id, ['review'], { withinMs: 180_000 });

    const calls = models.requests.slice(before);
    expect(calls.map(({ api }) => api)).toEqual(calls.map(() => API[name]));
    expect(calls.length).toBeGreaterThanOrEqual(2);
    expect(job.cost).toEqual({
      tokens: calls.length * TOKENS_COUNTED,
      usd: (calls.length * COST[name]) / 1_000_000,
    });
    expect(job.merge_request).not.toBeNull();
    const repo = `${machine.folder}/${name}-first`;
    const branch = job.branch ?? '';
    expect(await machine.git(repo, 'show', `${branch}:src/add.txt`)).toBe('one\ntwo');
    expect(await machine.git(repo, 'show', `${branch}:src/seen.txt`)).toMatch(/^0\n[1-9]/);
    const logs = (await instance.cli('logs', id)).stdout;
    expect(logs).toContain('It says two now.');
    expect(logs).not.toContain('canary');
    expect(JSON.stringify(calls[0]?.headers)).toContain('canary');
  },
);

test('a 429 with a reset moves the job, and those after it, to the other provider', async ({
  stage: { instance, models, limited },
}) => {
  limited.add('responses');
  const { id } = await runJob(instance, 'codex-first', 'Make it say two once more.');

  const job = await untilJob(instance, id, ['review'], { withinMs: 180_000 });

  expect((await instance.cli('logs', id)).stdout).toContain('claude takes over');
  expect(job.cost.tokens).toBeGreaterThan(0);

  const before = models.requests.length;
  const next = await runJob(instance, 'codex-first', 'Make it say two a third time.');
  await untilJob(instance, next.id, ['review'], { withinMs: 180_000 });

  const apis = new Set(models.requests.slice(before).map(({ api }) => api));
  expect([...apis]).toEqual(['messages']);
});
