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
  /** What people granted to this job alone and it has not used: it may go beyond windows by that much. */
  readonly granted?: Spend;
}

export type Reservation =
  | {
      readonly grant: Spend;
      /** What of it stands on `granted`. */
      readonly usedGrant: Spend;
      /** By how much each window has to be raised to hold the grant. */
      readonly raises: readonly { readonly windowId: string; readonly by: Spend }[];
    }
  | {
      readonly wait: 'budget';
      /** Every window that is in the way, the one that ends last first. */
      readonly windowIds: readonly string[];
      /** The end of the first of them. */
      readonly until: number;
      /** It would fit if what runs spent nothing: it may as soon as that ends. */
      readonly held: boolean;
      readonly reason: string;
    }
  /** No window will end this: the root job is out of budget until a person grants more. */
  | { readonly wait: 'lifetime'; readonly reason: string };

/**
 * How much an attempt may spend: in each unit the least of its limit, its root job's lifetime and the room of
 * every window, which a person's grant to this job widens. Where that is below `min` of the limit it does not
 * start, and waits for the latest end among the windows that are in its way.
 */
export function reserve(request: ReservationRequest): Reservation {
  const { want, min, windows, lifetimeLeft = {}, granted = NOTHING } = request;
  const needed = { microUsd: Math.ceil(want.microUsd * min), tokens: Math.ceil(want.tokens * min) };
  const lifetime = {
    microUsd: Math.max(0, lifetimeLeft.microUsd ?? Number.POSITIVE_INFINITY),
    tokens: Math.max(0, lifetimeLeft.tokens ?? Number.POSITIVE_INFINITY),
  };
  if (!suffices(lifetime, needed, want)) {
    return { wait: 'lifetime', reason: 'The job has spent what it may over all its attempts.' };
  }

  const widened = (window: CappedWindow): Spend => add(roomOf(window), granted);
  const blocking = windows
    .filter((window) => !suffices(widened(window), needed, want))
    .toSorted((a, b) => b.until - a.until);
  const [last] = blocking;
  if (last !== undefined) {
    const windowIds = blocking.map(({ id }) => id);
    const held = blocking.every((window) =>
      suffices(widened({ ...window, reserved: NOTHING }), needed, want),
    );
    return { wait: 'budget', windowIds, until: last.until, held, reason: describe(last) };
  }

  const grant = least([want, lifetime, ...windows.map(widened)]);
  const raises = windows.flatMap((window) => {
    const by = beyond(grant, roomOf(window));
    return by.microUsd + by.tokens > 0 ? [{ windowId: window.id, by }] : [];
  });
  const usedGrant = {
    microUsd: Math.max(0, ...raises.map(({ by }) => by.microUsd)),
    tokens: Math.max(0, ...raises.map(({ by }) => by.tokens)),
  };
  return { grant, usedGrant, raises };
}

function least(rooms: readonly Spend[]): Spend {
  return {
    microUsd: Math.min(...rooms.map(({ microUsd }) => microUsd)),
    tokens: Math.min(...rooms.map(({ tokens }) => tokens)),
  };
}

function beyond(amount: Spend, room: Spend): Spend {
  return {
    microUsd: Math.max(0, amount.microUsd - room.microUsd),
    tokens: Math.max(0, amount.tokens - room.tokens),
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
