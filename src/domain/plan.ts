import { canonicalJson } from './canonical-json.ts';
import { comparePaths, type PathChange, type RiskOf } from './plan-paths.ts';

export type ConfigKind = 'repo' | 'agent' | 'schedule' | 'trigger' | 'budget' | 'approval';

/** One named thing of an autodev.yaml. Kind and name are its identity; `hash` stands for `spec`. */
export interface ConfigObject {
  readonly kind: ConfigKind;
  readonly name: string;
  /** Plain JSON. */
  readonly spec: unknown;
  /** Equal exactly when the specs are equal. */
  readonly hash: string;
  /** The line of the file that states it, from 1; a move to another line is no change. */
  readonly line: number;
}

export interface Change {
  readonly action: 'create' | 'update' | 'retire';
  readonly kind: ConfigKind;
  readonly name: string;
  /** What is in force; undefined for `create`. */
  readonly before?: ConfigObject;
  /** What is asked for; undefined for `retire`. */
  readonly after?: ConfigObject;
  /** What differs. One entry with the path '' for a whole object that comes or goes. */
  readonly paths: readonly PathChange[];
}

export interface PlanSummary {
  readonly create: number;
  readonly update: number;
  readonly retire: number;
  /** How many of the changes loosen something, and so need the vote of a `config` gate. */
  readonly loosening: number;
}

/**
 * What must change for `actual` to become `desired`, in the order of `desired`, retired objects last. Two
 * objects are the same when kind and name are; they differ when their hashes do. Applying the plan leaves an
 * empty one.
 *
 * @param risk says of a path as it stands in the file (`agents.builder.limits.tokens`, or `agents.builder`
 *   for an object that comes or goes) whether the change loosens. Without it everything does: unknown = loosens.
 */
export function planChanges(
  desired: readonly ConfigObject[],
  actual: readonly ConfigObject[],
  risk: RiskOf = () => 'loosens',
): Change[] {
  const leftover = new Map(actual.map((object) => [identity(object), object]));
  const changes: Change[] = [];

  for (const after of desired) {
    const { kind, name } = after;
    const before = leftover.get(identity(after));
    leftover.delete(identity(after));
    if (before === undefined) {
      changes.push({ action: 'create', kind, name, after, paths: wholeObject(risk, { after }) });
    } else if (before.hash !== after.hash) {
      const paths = comparePaths(before.spec, after.spec, { root: rootPath(after), risk });
      changes.push({ action: 'update', kind, name, before, after, paths });
    }
  }
  for (const before of leftover.values()) {
    const { kind, name } = before;
    changes.push({ action: 'retire', kind, name, before, paths: wholeObject(risk, { before }) });
  }

  return changes;
}

export function summarizePlan(changes: readonly Change[]): PlanSummary {
  const count = (action: Change['action']): number =>
    changes.filter((change) => change.action === action).length;

  return {
    create: count('create'),
    update: count('update'),
    retire: count('retire'),
    loosening: changes.filter(loosens).length,
  };
}

export function loosens(change: Change): boolean {
  return change.paths.some((path) => path.risk === 'loosens');
}

/** How much one change may retire by itself: a share of what is in force (0 to 1), and so many in any case. */
export interface PruneLimits {
  readonly share: number;
  readonly count: number;
}

/**
 * Whether a plan retires so much that it is rather a mistake (a cut-off file, a bad merge) than a wish. Such
 * retirements wait for the plan's digest.
 */
export function isMassPrune(
  changes: readonly Change[],
  { actualCount, limits }: { actualCount: number; limits: PruneLimits },
): boolean {
  return summarizePlan(changes).retire > Math.max(limits.count, actualCount * limits.share);
}

/**
 * The text whose hash identifies a plan. It holds both sides of every change, so a confirmation that was
 * given for one plan never confirms another.
 */
export function planDigestInput(changes: readonly Change[]): string {
  const rows = changes.map(({ action, kind, name, before, after }) =>
    canonicalJson([kind, name, action, before?.hash, after?.hash]),
  );
  return rows.sort().join('\n');
}

/** Where an object stands in the file: the first words of its properties' paths. */
function rootPath({ kind, name }: ConfigObject): string {
  const sections = {
    agent: 'agents',
    schedule: 'schedules',
    trigger: 'triggers',
    budget: 'budgets',
    approval: 'approvals',
  } as const;
  return kind === 'repo' ? '' : `${sections[kind]}.${name}`;
}

function identity({ kind, name }: ConfigObject): string {
  return `${kind}/${name}`;
}

function wholeObject(
  risk: RiskOf,
  { before, after }: { before?: ConfigObject; after?: ConfigObject },
): PathChange[] {
  const object = after ?? before;
  const path = object === undefined ? '' : rootPath(object);
  return [
    {
      path: '',
      before: before?.spec,
      after: after?.spec,
      risk: risk(path, before?.spec, after?.spec),
    },
  ];
}
