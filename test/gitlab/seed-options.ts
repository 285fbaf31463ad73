import type { AccessLevel, Project, ProjectSettings, Scope, User } from './records.ts';

/** Names of levels, as people speak of them. */
export const LEVELS = {
  guest: 10,
  planner: 15,
  reporter: 20,
  developer: 30,
  maintainer: 40,
  owner: 50,
} as const satisfies Record<string, AccessLevel>;

export type Role = keyof typeof LEVELS;

export interface NewUser {
  readonly name?: string;
  readonly email?: string;
  readonly bot?: boolean;
}

export interface NewToken {
  readonly name?: string;
  readonly scopes?: readonly Scope[];
  readonly expiresAt?: Date;
  readonly value?: string;
}

export interface NewProject {
  /** The first commit on the default branch; an empty project when it is left out. */
  readonly files?: Readonly<Record<string, string>>;
  readonly defaultBranch?: string;
  readonly members?: readonly (readonly [User, Role])[];
  readonly settings?: Partial<ProjectSettings>;
  readonly visibility?: Project['visibility'];
  readonly topics?: readonly string[];
  readonly archived?: boolean;
  readonly lastActivityAt?: Date;
  /** Protects the default branch for maintainers, as GitLab does by itself. Default: true. */
  readonly protect?: boolean;
  /** Shares the repository of another project instead of having its own: ten thousand projects in a moment. */
  readonly codeOf?: Project;
}

export interface NewPush {
  readonly branch: string;
  readonly by: User;
  /** Content, or undefined to delete. */
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly message?: string;
  /** What the branch starts at when it is new, or is thrown back to with `force`; default: the default branch. */
  readonly from?: string;
  readonly force?: boolean;
  /** Who the commit says it is by, when that is not the pusher. */
  readonly author?: { readonly name: string; readonly email: string };
}
