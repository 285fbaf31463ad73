import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { createBackground } from './background.ts';
import { createContract, type Contract, type Documents } from './contract.ts';
import { createFaults, type Faults } from './faults.ts';
import type { Delivery } from './hook-records.ts';
import { createLock } from './lock.ts';
import { createRateLimit, type RateBudget, type RateLimit } from './rate-limit.ts';
import { createRouter } from './route.ts';
import { ROUTES } from './routes/all.ts';
import { createSeed, type Seed } from './seed.ts';
import { createHttpServer, type SeenRequest } from './server.ts';
import { createState, type State } from './state.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';
import type { Behaviour, Tier, World } from './world.ts';

export interface GitlabOptions extends Partial<Omit<Behaviour, 'tier'>> {
  readonly clock?: Clock;
  readonly tier?: Tier;
  /** Where git is found; default: this process' PATH must be passed by who has it. */
  readonly searchPath: string;
  readonly port?: number;
  /** The folder for the repositories; without one a new folder is made and removed at the end. */
  readonly root?: string;
  /** What exchanges are held against; undefined: only what routes know of themselves. */
  readonly documents?: Documents | undefined;
  readonly rate?: RateBudget;
  readonly hooks?: {
    readonly timeoutMs?: number;
    readonly retries?: number;
    readonly autoDisable?: boolean;
  };
}

/** A GitLab: its address, and everything that people and tests do to it beside the API. */
export interface Gitlab extends Seed, AsyncDisposable {
  readonly url: string;
  readonly state: State;
  readonly faults: Faults;
  readonly rateLimit: RateLimit;
  readonly webhooks: Webhooks;
  readonly contract: Contract;
  /** What hooks were sent, oldest first. */
  deliveries(): readonly Delivery[];
  /** What was asked of the server since the start or the last `forgetRequests`, oldest first. */
  requests(): readonly SeenRequest[];
  forgetRequests(): void;
  /** Stops the server. Rejects with its own bugs, never with violations: `Symbol.asyncDispose` does both. */
  close(): Promise<void>;
}

const RATE: RateBudget = { limit: 2000, windowMs: 60_000 };

/**
 * Starts a GitLab on this machine: real repositories behind git's own smart HTTP, the part of the REST and GraphQL
 * APIs that the product calls, and hooks. Free or Premium, fast or slow, well or ill, as the options say.
 */
export async function createGitlab(options: GitlabOptions): Promise<Gitlab> {
  const { clock = systemClock, hooks = {}, port = 0 } = options;
  const behaviour = behaviourOf(options);
  const root = options.root ?? (await realpath(await mkdtemp(join(tmpdir(), 'autodev-gitlab-'))));
  const background = createBackground();
  const contract = createContract(options.documents);
  const faults = createFaults();
  const rateLimit = createRateLimit({ clock }, options.rate ?? RATE);
  const seen: SeenRequest[] = [];
  const bugs: unknown[] = [];
  const where = { url: '' };
  const webhooks = createWebhooks(
    { clock, background, instance: () => where.url },
    {
      timeoutMs: hooks.timeoutMs ?? 10_000,
      retries: hooks.retries ?? 1,
      autoDisable: hooks.autoDisable ?? true,
      userAgent: `GitLab/${behaviour.version}`,
    },
  );
  const world: World = {
    behaviour,
    clock,
    state: createState(),
    webhooks,
    background,
    lock: createLock(),
    get url() {
      return where.url;
    },
    searchPath: options.searchPath,
    root,
  };
  const server = createHttpServer({
    world,
    router: createRouter(ROUTES),
    contract,
    faults,
    rateLimit,
    seen,
    onBug: (error) => bugs.push(error),
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new TypeError('The server listens on no port.');
  }
  where.url = `http://127.0.0.1:${address.port}`;

  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await background.stop();
    if (options.root === undefined) {
      await rm(root, { recursive: true, force: true });
    }
    if (bugs.length > 0) {
      throw new AggregateError(bugs, 'The GitLab server failed; each cause is in `errors`.');
    }
  };
  return {
    ...createSeed(world),
    url: where.url,
    state: world.state,
    faults,
    rateLimit,
    webhooks,
    contract,
    deliveries: () => webhooks.log,
    requests: () => seen,
    forgetRequests() {
      seen.length = 0;
    },
    close,
    async [Symbol.asyncDispose]() {
      await close();
      const [first] = contract.violations;
      if (first !== undefined) {
        throw new Error(
          `${contract.violations.length} exchanges broke GitLab's contract:\n${contract.violations
            .map(({ route, side, problem }) => `- ${side} ${route}: ${problem}`)
            .join('\n')}`,
        );
      }
    },
  };
}

function behaviourOf(options: GitlabOptions): Behaviour {
  return {
    tier: options.tier ?? 'free',
    version: options.version ?? '19.5.0',
    resetDelayMs: options.resetDelayMs ?? 10_000,
    refreshDelayMs: options.refreshDelayMs ?? 0,
    preparingReads: options.preparingReads ?? 0,
    checkingReads: options.checkingReads ?? 1,
    graphqlLacks: options.graphqlLacks ?? [],
    pushEventHooksLimit: options.pushEventHooksLimit ?? 3,
  };
}
