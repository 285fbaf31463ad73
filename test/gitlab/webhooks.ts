import { randomUUID } from 'node:crypto';

import type { Clock } from '../../src/kernel/clock.ts';
import type { Background } from './background.ts';
import {
  alertStatus,
  countResult,
  type Delivery,
  type Hook,
  type HookFlag,
} from './hook-records.ts';
import type { Group, Project } from './records.ts';
import { sendHook } from './send-hook.ts';

/** One event, before it is known who is told. */
export interface HookEvent {
  readonly flag: HookFlag;
  /** The X-Gitlab-Event header: `Merge Request Hook`. */
  readonly name: string;
  readonly payload: unknown;
  /** The branch of a push, for hooks that filter by it. */
  readonly branch?: string;
}

/** What happens to deliveries on their way; for tests of lost, repeated and reordered ones. */
export interface Traffic {
  /** Loses the next events silently: they are in no log. */
  drop(count: number): void;
  /** Sends the next events twice, under one Idempotency-Key. */
  duplicate(count: number): void;
  /** Keeps everything back until `release`. */
  hold(): void;
  /** Sends what was kept, in the order that `arrange` gives it; default: as it came. */
  release(arrange?: <T>(held: T[]) => T[]): void;
}

export interface Webhooks {
  readonly hooks: Hook[];
  readonly log: Delivery[];
  readonly traffic: Traffic;
  /** Tells every hook of the project and of its groups that asks for this event; returns at once. */
  fire(target: { project: Project } | { group: Group }, event: HookEvent): void;
  /** Builds an event in the background, in the order of the calls, and counts as on its way meanwhile. */
  later(build: () => Promise<void>): void;
  /** Delivers to one hook now, also when it is disabled; a 2xx brings it back. */
  test(hook: Hook, event: HookEvent): Promise<Delivery>;
  resend(delivery: Delivery): Promise<Delivery>;
  /** Resolves when nothing is on its way. */
  settled(): Promise<void>;
}

interface WebhooksDeps {
  clock: Clock;
  background: Background;
  /** Known only once the server listens. */
  instance: () => string;
}

export interface WebhookOptions {
  /** GitLab.com's is 10 s. */
  readonly timeoutMs: number;
  /** How often a delivery that got no answer at all is sent again. */
  readonly retries: number;
  /** Self-managed servers may have auto-disabling switched off. */
  readonly autoDisable: boolean;
  readonly userAgent: string;
}

export function createWebhooks(
  { clock, background, instance }: WebhooksDeps,
  { timeoutMs, retries, autoDisable, userAgent }: WebhookOptions,
): Webhooks {
  const hooks: Hook[] = [];
  const log: Delivery[] = [];
  const queues = new Map<Hook, Promise<unknown>>();
  let held: (() => void)[] | undefined;
  let toDrop = 0;
  let toDuplicate = 0;
  let onTheWay = 0;
  let waiters: (() => void)[] = [];
  let building: Promise<void> = Promise.resolve();

  /** Counts `work` as on its way until it is done. */
  const track = (work: Promise<unknown>): void => {
    onTheWay += 1;
    background.run(async () => {
      try {
        await work;
      } finally {
        onTheWay -= 1;
        if (onTheWay === 0) {
          waiters.forEach((wake) => wake());
          waiters = [];
        }
      }
    });
  };

  const attempt = async (hook: Hook, event: HookEvent, key: string): Promise<Delivery> => {
    const sent = await sendHook(
      { clock, instance: instance(), timeoutMs, userAgent, stop: background.signal },
      { hook, event, key },
    );
    const delivery: Delivery = { id: log.length + 1, hook, idempotencyKey: key, ...sent };
    log.push(delivery);
    const succeeded = typeof sent.status === 'number' && sent.status >= 200 && sent.status < 300;
    if (autoDisable || succeeded) {
      countResult(hook, succeeded, clock.now());
    }
    return delivery;
  };

  /** One delivery of a hook after the other, so that order is lost only where a test asks for it. */
  const enqueue = (hook: Hook, event: HookEvent, key: string): void => {
    const before = queues.get(hook) ?? Promise.resolve();
    const deliver = async (): Promise<void> => {
      await before;
      for (let tries = 0; tries <= retries; tries += 1) {
        if (autoDisable && alertStatus(hook, clock.now()) !== 'executable') {
          return;
        }
        if ((await attempt(hook, event, key)).status !== 'internal error') {
          return;
        }
      }
    };
    const mine = deliver();
    queues.set(hook, mine);
    track(mine);
  };

  const dispatch = (hook: Hook, event: HookEvent): void => {
    if (toDrop > 0) {
      toDrop -= 1;
      return;
    }
    const key = randomUUID();
    const times = toDuplicate > 0 ? 2 : 1;
    toDuplicate = Math.max(toDuplicate - 1, 0);
    for (let time = 0; time < times; time += 1) {
      if (held) {
        held.push(() => enqueue(hook, event, key));
      } else {
        enqueue(hook, event, key);
      }
    }
  };

  return {
    hooks,
    log,
    traffic: {
      drop(count) {
        toDrop += count;
      },
      duplicate(count) {
        toDuplicate += count;
      },
      hold() {
        held ??= [];
      },
      release(arrange = (kept) => kept) {
        const kept = held ?? [];
        held = undefined;
        arrange(kept).forEach((send) => send());
      },
    },
    fire(target, event) {
      // What the event says is fixed now, whatever the handlers change afterwards.
      const frozen = { ...event, payload: structuredClone(event.payload) };
      for (const hook of hooks.filter((candidate) => listens(candidate, target, event))) {
        dispatch(hook, frozen);
      }
    },
    later(build) {
      building = building.then(build);
      track(building);
    },
    test: (hook, event) => attempt(hook, event, randomUUID()),
    resend: ({ hook, event, payload, idempotencyKey }) =>
      attempt(hook, { flag: 'push_events', name: event, payload }, idempotencyKey),
    settled() {
      return onTheWay === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiters.push(resolve);
          });
    },
  };
}

function listens(
  hook: Hook,
  target: { project: Project } | { group: Group },
  { flag, branch }: HookEvent,
): boolean {
  if (!hook.events.has(flag)) {
    return false;
  }
  if (hook.branchFilter && branch !== undefined && !matches(hook.branchFilter, branch)) {
    return false;
  }
  if ('project' in hook.owner) {
    return 'project' in target && hook.owner.project === target.project;
  }
  const { group } = hook.owner;
  return isWithin('project' in target ? target.project.group : target.group, group);
}

function isWithin(group: Group | undefined, ancestor: Group): boolean {
  return group !== undefined && (group === ancestor || isWithin(group.parent, ancestor));
}

function matches(pattern: string, branch: string): boolean {
  const source = pattern
    .split('*')
    .map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${source}$`).test(branch);
}
