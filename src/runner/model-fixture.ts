import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Reply } from '../../test/llm/replies.ts';
import { type LlmStandIn, startLlmStandIn, type StandInRequest } from '../../test/llm/stand-in.ts';
import { claudeProvider } from '../llm/claude.ts';
import { codexProvider } from '../llm/codex.ts';
import { commandProvider } from '../llm/command.ts';
import { openGateway } from './gateway-fixture.ts';
import type { RunnerFixture } from './runner-fixture.ts';
import type { RunnerDeps } from './runner.ts';

/** The usual answer: 300 of input, 800 cached, 100 written to the cache, 45 of output. */
export const CALL = { microUsd: 300 + 80 + 100 + 450, tokens: 300 + 100 + 45 } as const;
/** What one attempt may spend in tests: enough for what a call may come to. */
export const ENOUGH = { tokens: 1_000_000, microUsd: 10_000_000 } as const;

export interface ModelFixture extends AsyncDisposable {
  readonly standIn: LlmStandIn;
  /** For `start` of a runner fixture: both providers, with programs that stand in for theirs. */
  readonly deps: Pick<RunnerDeps, 'providers' | 'llm'>;
}

/** Models that answer as `reply` says, behind a real gateway, and programs that talk to them as the real ones do. */
export async function openModels(
  { folder, deps }: RunnerFixture,
  reply: (request: StandInRequest) => Reply,
): Promise<ModelFixture> {
  const standIn = await startLlmStandIn(reply);
  const models = await modelsAt(deps, { folder, baseUrls: standIn.baseUrls });
  return {
    standIn,
    deps: models.deps,
    [Symbol.asyncDispose]: async () => {
      await models[Symbol.asyncDispose]();
      await standIn[Symbol.asyncDispose]();
    },
  };
}

/** The same for models that somebody else answers for. */
export async function modelsAt(
  deps: Pick<RunnerDeps, 'db' | 'clock' | 'log' | 'sandbox'>,
  { folder, baseUrls }: { folder: string; baseUrls: LlmStandIn['baseUrls'] },
): Promise<Omit<ModelFixture, 'standIn'>> {
  const { clock } = deps;
  const opened = await openGateway(deps, { folder, baseUrls });
  const places = (name: string) => ({
    given: installStandIn(folder, name),
    searchPath: '',
    folders: [],
  });
  return {
    deps: {
      providers: [
        { provider: codexProvider({ clock, places: places('codex') }), api: 'codex' },
        { provider: claudeProvider({ clock, places: places('claude') }), api: 'claude' },
        { provider: commandProvider },
      ],
      llm: opened.access,
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function installStandIn(folder: string, name: string): string {
  const file = join(folder, 'installed', name);
  mkdirSync(join(folder, 'installed'), { recursive: true });
  copyFileSync(join(import.meta.dirname, '../../test/llm/stand-in-program.mjs'), file);
  chmodSync(file, 0o755);
  return file;
}

/** A model that has its worker run these commands, one after the other, and then says that it is done. */
export function working(...commands: readonly string[]): (request: StandInRequest) => Reply {
  return ({ api, body }) => {
    const said = JSON.stringify(body);
    const done =
      said.split(api === 'responses' ? '"function_call_output"' : '"tool_result"').length - 1;
    const command = commands[done];
    if (command === undefined) {
      return { kind: 'text', text: 'It says two now.' };
    }
    return api === 'responses'
      ? { kind: 'tool', name: 'exec_command', input: { cmd: command } }
      : { kind: 'tool', name: 'Bash', input: { command } };
  };
}
