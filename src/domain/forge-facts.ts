import type { Role } from './role.ts';

/** A person of the forge as read just now. People are named by the forge's ids: a name can change hands. */
export interface KnownPerson {
  readonly id: string;
  /** Without the @. */
  readonly username: string;
  readonly name: string;
  /** Those that the forge shows us. */
  readonly emails: readonly string[];
  /** Bots, service accounts and users that tokens make. */
  readonly bot: boolean;
  /** False for somebody who is blocked, deactivated or banned. */
  readonly active: boolean;
  /** In this repository, inherited membership included; `outsider` where there is none. */
  readonly role: Role;
  /** Those of the rules' groups that the person belongs to, inherited membership included. */
  readonly groups: readonly string[];
}

/** A vote by the forge's own button. It says nothing of the head that it was given for: only its time does. */
interface PressedApproval {
  readonly by: string;
  /** Undefined where the forge is too old to tell. */
  readonly at: Date | undefined;
}

export interface SaidNote {
  readonly id: string;
  readonly by: string;
  readonly body: string;
  readonly at: Date;
  readonly updatedAt: Date;
  /** The forge's own record of what somebody did. */
  readonly system: boolean;
  /** Only some may read it. */
  readonly internal: boolean;
}

/** What the branch was at some time: each push makes one. */
interface PushedVersion {
  readonly head: string;
  readonly at: Date;
}

interface CommitFacts {
  readonly sha: string;
  readonly authorName: string;
  readonly authorEmail: string;
  readonly committerName: string;
  readonly committerEmail: string;
}

/** Who brought a head to the source branch. */
export interface SeenPush {
  readonly head: string;
  readonly by: string;
}

/** Everything that was read about one merge request, with the head read again at the end. */
export interface MergeRequestFacts {
  readonly number: number;
  readonly state: 'open' | 'merged' | 'closed';
  readonly draft: boolean;
  readonly author: string;
  /** The forge's ids of the projects: they differ for a fork, whatever its branch is called. */
  readonly project: string;
  readonly sourceProject: string;
  readonly source: string;
  readonly target: string;
  readonly description: string;
  /** Undefined while the forge prepares it; of one that was merged, what was merged. */
  readonly head: string | undefined;
  /** The head or the target was another at the end of the reading than at its beginning. */
  readonly movedMeanwhile: boolean;
  /** The forge still works on it: prepares it, checks it, or takes votes back. */
  readonly unsettled: boolean;
  /** Why the forge itself would not merge it, in its own word; undefined: nothing is against it. */
  readonly against: string | undefined;
  /** Newest first. */
  readonly versions: readonly PushedVersion[];
  readonly approvals: readonly PressedApproval[];
  /** Reviewers who asked for changes by the forge's own button, and have not taken it back. */
  readonly objections: readonly string[];
  readonly notes: readonly SaidNote[];
  readonly commits: readonly CommitFacts[];
  /** Pushes to the source branch, as far as the forge remembers them. */
  readonly pushes: readonly SeenPush[];
  /** Everybody who voted, wrote a command, pushed, opened or merged it, and the requesters whose names are known. */
  readonly people: readonly KnownPerson[];
  /** The ids that the groups of the rules have now, by path; one that is not there is missing. */
  readonly groupIds: Readonly<Record<string, string>>;
  /** Old and new paths of every change. */
  readonly paths: readonly string[];
  readonly pipeline: { readonly sha: string; readonly status: string } | undefined;
  readonly mergedBy: string | undefined;
  readonly mergedAt: Date | undefined;
  readonly mergedCommit: string | undefined;
  readonly closedBy: string | undefined;
}

/** What we know of our own part in a merge request. */
export interface OwnPart {
  /** The forge's id of our account. */
  readonly bot: string;
  /** Names and e-mail addresses that our commits carry. */
  readonly identities: readonly string[];
  /** The heads that we published, oldest first; each is one commit of ours. Empty for a person's merge request. */
  readonly published: readonly string[];
}
