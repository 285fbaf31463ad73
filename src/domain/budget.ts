/** An amount in both units that budgets know. Money in micro-USD, so that sums are exact. */
export interface Spend {
  readonly microUsd: number;
  readonly tokens: number;
}

export const NOTHING: Spend = { microUsd: 0, tokens: 0 };

/**
 * One budget over one window of time, as a locked row. A row that counts one unit only leaves the other cap
 * undefined and its amounts at 0.
 */
export interface CappedWindow {
  readonly id: string;
  readonly capMicroUsd?: number;
  readonly capTokens?: number;
  /** Booked by attempts that ended. */
  readonly spent: Spend;
  /** Held for attempts that run. */
  readonly reserved: Spend;
  /** When the window ends, epoch milliseconds. */
  readonly until: number;
}

export interface ReservationRequest {
  /** The attempt's limits. 0 where it cannot spend that unit (a `command` without the gateway). */
  readonly want: Spend;
  /** Share of `want` (0 to 1) below which an attempt does not start: it would only stop half-way. */
  readonly min: number;
  readonly windows: readonly CappedWindow[];
  /** What the root job may still spend over its whole life; a unit left out is unlimited. */
  readonly lifetimeLeft?: Partial<Spend>;
}

export type Reservation =
  | { readonly grant: Spend }
  | {
      readonly wait: 'budget';
      readonly windowId: string;
      readonly until: number;
      readonly reason: string;
    }
  /** No window will end this: the root job is out of budget until a person grants more. */
  | { readonly wait: 'lifetime'; readonly reason: string };

/**
 * How much an attempt may spend: in each unit the least of its limit, its root job's lifetime and the room of
 * every window. Where that is below `min` of the limit it does not start, and waits for the latest end among
 * the windows that are in its way.
 */
export function reserve(request: ReservationRequest): Reservation {
  const { want, min, windows, lifetimeLeft = {} } = request;
  const needed = { microUsd: Math.ceil(want.microUsd * min), tokens: Math.ceil(want.tokens * min) };
  const lifetime = {
    microUsd: Math.max(0, lifetimeLeft.microUsd ?? Number.POSITIVE_INFINITY),
    tokens: Math.max(0, lifetimeLeft.tokens ?? Number.POSITIVE_INFINITY),
  };
  if (!suffices(lifetime, needed, want)) {
    return { wait: 'lifetime', reason: 'The job has spent what it may over all its attempts.' };
  }

  const blocking = windows.filter((window) => !suffices(roomOf(window), needed, want));
  const last = blocking.toSorted((a, b) => b.until - a.until)[0];
  if (last !== undefined) {
    return { wait: 'budget', windowId: last.id, until: last.until, reason: describe(last) };
  }

  const rooms = [want, lifetime, ...windows.map(roomOf)];
  return {
    grant: {
      microUsd: Math.min(...rooms.map(({ microUsd }) => microUsd)),
      tokens: Math.min(...rooms.map(({ tokens }) => tokens)),
    },
  };
}

/** What is left of a window's caps; never negative, infinite in a unit without a cap. */
function roomOf({ capMicroUsd, capTokens, spent, reserved }: CappedWindow): Spend {
  const left = (cap: number | undefined, used: number): number =>
    cap === undefined ? Number.POSITIVE_INFINITY : Math.max(0, cap - used);
  return {
    microUsd: left(capMicroUsd, spent.microUsd + reserved.microUsd),
    tokens: left(capTokens, spent.tokens + reserved.tokens),
  };
}

/** The window with a grant held in it. */
export function hold<Window extends CappedWindow>(window: Window, grant: Spend): Window {
  return { ...window, reserved: add(window.reserved, grant) };
}

/**
 * The window after an attempt ended: its grant is released and what it spent is booked, all of it, also where
 * the estimate of its last call was too low. Spend goes to the window that the attempt was claimed in.
 */
export function settle<Window extends CappedWindow>(
  window: Window,
  { grant, spent }: { grant: Spend; spent: Spend },
): Window {
  return {
    ...window,
    reserved: {
      microUsd: Math.max(0, window.reserved.microUsd - grant.microUsd),
      tokens: Math.max(0, window.reserved.tokens - grant.tokens),
    },
    spent: add(window.spent, spent),
  };
}

export function add(a: Spend, b: Spend): Spend {
  return { microUsd: a.microUsd + b.microUsd, tokens: a.tokens + b.tokens };
}

/**
 * A unit suffices when there is room for the least an attempt starts with. A wanted unit needs at least 1:
 * with `min: 0` an attempt must not start on nothing.
 */
function suffices(room: Spend, needed: Spend, want: Spend): boolean {
  return (
    (want.microUsd === 0 || room.microUsd >= Math.max(1, needed.microUsd)) &&
    (want.tokens === 0 || room.tokens >= Math.max(1, needed.tokens))
  );
}

function describe(window: CappedWindow): string {
  const { id, capMicroUsd, capTokens, reserved } = window;
  const room = roomOf(window);
  const parts: string[] = [];
  if (capMicroUsd !== undefined) {
    parts.push(`${usd(room.microUsd)} of ${usd(capMicroUsd)} USD`);
  }
  if (capTokens !== undefined) {
    parts.push(`${room.tokens} of ${capTokens} tokens`);
  }
  const held = reserved.microUsd > 0 || reserved.tokens > 0 ? '; running jobs hold a part' : '';
  return `Budget ${id} has ${parts.join(' and ')} left${held}.`;
}

function usd(microUsd: number): string {
  return (microUsd / 1_000_000).toFixed(2);
}
