import type { Pipeline } from './pipeline-records.ts';
import type { AccessToken, Group, Issue, MergeRequest, Project, Push, User } from './records.ts';

/** Everything the server knows, in memory; repositories are on the disk. */
export interface State {
  readonly users: Map<number, User>;
  readonly tokens: AccessToken[];
  readonly groups: Map<number, Group>;
  readonly projects: Map<number, Project>;
  readonly mergeRequests: MergeRequest[];
  readonly issues: Issue[];
  readonly pipelines: Pipeline[];
  readonly pushes: Push[];
  /** The next number of a sequence; `within` makes a sequence of its own, as iids have. */
  nextId(kind: string, within?: number): number;
}

export function createState(): State {
  const sequences = new Map<string, number>();
  return {
    users: new Map(),
    tokens: [],
    groups: new Map(),
    projects: new Map(),
    mergeRequests: [],
    issues: [],
    pipelines: [],
    pushes: [],
    nextId(kind, within) {
      const key = within === undefined ? kind : `${kind} ${within}`;
      const id = (sequences.get(key) ?? 0) + 1;
      sequences.set(key, id);
      return id;
    },
  };
}

/** By number or by full path, as every route of GitLab takes them. */
export function findProject(state: State, idOrPath: string): Project | undefined {
  return /^\d+$/.test(idOrPath)
    ? state.projects.get(Number(idOrPath))
    : [...state.projects.values()].find(({ path }) => samePath(path, idOrPath));
}

export function findGroup(state: State, idOrPath: string): Group | undefined {
  return /^\d+$/.test(idOrPath)
    ? state.groups.get(Number(idOrPath))
    : [...state.groups.values()].find(({ path }) => samePath(path, idOrPath));
}

/** The project that once had this path, when no other has it now. */
export function findMovedProject(state: State, path: string): Project | undefined {
  return [...state.projects.values()].find(({ formerPaths }) =>
    formerPaths.has(path.toLowerCase()),
  );
}

function samePath(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
