import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

import { denialAt } from '../config/deny-windows.ts';
import { fleetBudgets } from '../config/fleet-budgets.ts';
import { effectivePolicy } from '../config/policy.ts';
import { AGENTS, isAgent } from '../domain/agent.ts';
import type { Agent } from '../domain/agent.ts';
import { reachableFolder } from '../kernel/reachable-folder.ts';
import type { Service } from '../kernel/service.ts';
import { keepRunning } from '../kernel/service.ts';
import { LEASE_TIMES } from '../runner/lease.ts';
import { createRunner, type RunnerDeps } from '../runner/runner.ts';
import { chooseSandbox } from '../sandbox/choose-sandbox.ts';
import { countOomKills } from '../sandbox/oom-kills.ts';
import { placeProgram } from '../sandbox/place-program.ts';
import type { SandboxMode } from '../sandbox/sandbox.ts';
import { makeToolbox } from '../sandbox/toolbox.ts';
import { offersOf, openLlm } from './llm.ts';
import type { Platform } from './platform.ts';

const DEFAULT_SLOTS = 4;
const GIB = 1024 ** 3;
/** Bounds of a worker's box that no autodev.yaml sets. Processes count threads, of which Node starts about 11. */
const BOUNDS = {
  processes: 512,
  fileBytes: GIB,
  tmpBytes: GIB,
  outputBytes: 256 * 1024 * 1024,
  diskBytes: 4 * GIB,
};
/** A worker that is asked to end has so long; everything together has to stop within 5 s of a Ctrl-C. */
const GRACE_MS = 2_000;

export interface OpenedRunner {
  readonly service: Service;
  /** Why workers run without a box; undefined when they are in one. */
  readonly degraded: string | undefined;
}

/** Probes the sandbox and puts the runner together; it claims nothing before its service runs. */
export async function openRunner(
  platform: Platform,
  {
    agents,
    slots = DEFAULT_SLOTS,
    sandbox: mode,
  }: { agents: readonly Agent[]; slots: number | undefined; sandbox: SandboxMode },
): Promise<OpenedRunner> {
  const { data, clock, policy, roles } = platform;
  const folder = await runnerFolder(data);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const toolbox = await makeToolbox(path.join(folder, 'toolbox'), process.execPath);
  const { sandbox, degraded } = await chooseSandbox({ clock, toolbox }, mode);

  const log = platform.log.child({ service: 'runner' });
  const deps = {
    ...platform,
    log,
    agents: agents.length === 0 ? AGENTS : agents,
    slots,
    host: hostname(),
    pid: process.pid,
    folder,
    sandbox,
    sandboxState: {
      mode,
      protected: degraded === undefined,
      ...(degraded !== undefined && { reason: degraded }),
    },
    placeProgram: (host) => placeProgram(path.join(folder, 'programs'), host),
    policy: ({ repo, agent, spec }) => {
      const { rule } = effectivePolicy(policy, repo.path);
      const listed = rule.agents === undefined || rule.agents.includes(agent);
      if (!listed || rule.allow !== true) {
        const refused = 'The policy does not allow this agent here any more.';
        return { refused, reason: 'denied' };
      }
      // Its lane is held as well, a moment later; whoever resumes that cannot start anything.
      const now = clock.now().getTime();
      const denial = denialAt(rule.deny_windows ?? [], now, platform.nextCronTime);
      return denial === undefined
        ? { spec }
        : { refused: `The policy lets no job start now: ${denial.reason}.`, reason: 'denied' };
    },
    fleetBudgets: (repo) => fleetBudgets(policy.policy, repo.path),
    roleOf: (agent) => (isAgent(agent) ? roles[agent] : { title: agent, instructions: '' }),
    author: platform.identity,
    bounds: BOUNDS,
    graceMs: GRACE_MS,
    oomKills: countOomKills,
    times: LEASE_TIMES,
  } satisfies Omit<RunnerDeps, 'providers'>;
  const service: Service = async (signal) => {
    const providers = await offersOf({ ...platform, log }, signal);
    await using llm = await openLlm(platform, { boxed: sandbox.isolates });
    await createRunner({ ...deps, providers, llm: llm.access })(signal);
  };
  return { service: keepRunning(platform, 'runner', service), degraded };
}

/** Workers of a root runner have accounts of their own: they must be able to walk to their files. */
export async function runnerFolder(data: Platform['data']): Promise<string> {
  const wished = data.file('runner');
  return process.getuid?.() === 0 ? reachableFolder(wished, 'runner') : wished;
}
