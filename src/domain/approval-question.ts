import type { Agent } from './agent.ts';
import type { Role } from './role.ts';
import type { ApprovalRule, GateKind } from './spec.ts';

/** A member of the repository as read just now. Users and groups of a rule are bound to ids by the caller. */
export interface Person {
  readonly id: string;
  /** The name that rules use. */
  readonly username: string;
  readonly role: Role;
  /** Paths of groups, inherited ones included. */
  readonly groups: readonly string[];
  readonly bot: boolean;
}

export interface Vote {
  readonly id: string;
  /** A person's id. */
  readonly by: string;
  readonly choice: 'approve' | 'reject' | 'changes';
  /** The head that the person saw. */
  readonly head: string;
}

/** A question to people and everything that is needed to answer it. People are named by ids throughout. */
export interface ApprovalQuestion {
  readonly gate: GateKind;
  readonly rules: Readonly<Record<string, ApprovalRule>>;
  readonly agent?: Agent;
  /** What is to be approved; a vote on anything else does not count. */
  readonly head: string;
  /** Old and new paths of every change; empty for a `run` gate. */
  readonly paths: readonly string[];
  /** In the order in which they were given. */
  readonly votes: readonly Vote[];
  /** Everybody who voted and is still a member, as read just now. */
  readonly people: readonly Person[];
  /** Author, committers and pushers of the change: their votes never count. */
  readonly authors: ReadonlySet<string>;
  /** Whoever triggered, answered or wrote the task of a job in the chain: one voter of several at most. */
  readonly requesters: ReadonlySet<string>;
  /** Local mode only: the operating-system user, whose one vote meets every rule. */
  readonly operator?: string;
  /** Whether a glob matches a path. */
  readonly matches: (glob: string, path: string) => boolean;
}
