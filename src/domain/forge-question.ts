import type { Agent } from './agent.ts';
import type { ApprovalVerdict } from './approval-verdict.ts';
import type { Authorship } from './forge-authors.ts';
import type { MergeRequestFacts, OwnPart } from './forge-facts.ts';
import type { AskedCommand, ForgeVote, LostVote } from './forge-votes.ts';
import type { ApprovalRule, GateKind } from './spec.ts';

/** Ids by name, in lower case. Undefined as a whole: nothing was bound. */
export interface NameBindings {
  readonly users: Readonly<Record<string, string>>;
  readonly groups: Readonly<Record<string, string>>;
}

export interface ForgeQuestion {
  readonly gate: GateKind;
  readonly request: MergeRequestFacts;
  readonly ours: OwnPart;
  /** The head that the gate is bound to, and the branch that the work is for. */
  readonly expected: { readonly head: string; readonly target: string };
  /** All rules of the file in force. */
  readonly rules: Readonly<Record<string, ApprovalRule>>;
  readonly agent?: Agent;
  readonly merge: 'human' | 'auto';
  /** User names, as jobs keep them. */
  readonly requesters: readonly string[];
  /** The ids that names in rules had when the file was applied; a name without one is nobody's. */
  readonly bindings: NameBindings;
  /** Notes that asked for changes, which were made, or for what was done. */
  readonly spent: readonly string[];
  readonly quietMs: number;
  /** Of the forge: what it is compared with are the forge's times. */
  readonly now: Date;
  readonly matches: (glob: string, path: string) => boolean;
}

/** What is known of the votes, whatever they come to. */
export interface ForgeCount {
  readonly head: string;
  readonly approval: ApprovalVerdict;
  readonly votes: readonly ForgeVote[];
  readonly authorship: Authorship;
}

export type ForgeVerdict = {
  /** Commands that are no votes; who handles them remembers which it has handled. */
  readonly commands: readonly AskedCommand[];
  /** Votes that do not count, each with the sentence that its voter is told. */
  readonly discounted: readonly LostVote[];
} & (
  | { readonly state: 'foreign'; readonly why: string }
  /** Nothing can be said yet: read it again after so long. */
  | { readonly state: 'unsettled'; readonly why: string; readonly againMs: number }
  | { readonly state: 'waiting'; readonly missing: readonly string[]; readonly count?: ForgeCount }
  /** Somebody pushed: the gate is to be bound to the new head, and the votes are void. */
  | { readonly state: 'moved'; readonly head: string; readonly by: readonly string[] }
  /** The rules are met; `mergeable` only where we are to merge and nothing is against it. */
  | {
      readonly state: 'approved';
      readonly head: string;
      readonly mergeable: boolean;
      readonly missing: readonly string[];
      readonly count: ForgeCount;
    }
  | { readonly state: 'changes' | 'rejected'; readonly vote: ForgeVote; readonly count: ForgeCount }
  | {
      readonly state: 'merged';
      readonly head: string;
      readonly commit: string | undefined;
      /** Undefined where the forge does not say. */
      readonly by: string | undefined;
      /** `bypassed`: in the default branch, and its rules were not met. */
      readonly approval: 'met' | 'bypassed';
      readonly why: readonly string[];
      readonly count: ForgeCount;
    }
  | { readonly state: 'closed'; readonly by: string | undefined }
);
