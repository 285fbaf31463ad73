import type { HintSubject } from '../domain/hint.ts';
import type { Role } from '../domain/role.ts';
import type { EventName } from '../domain/spec.ts';
import type { ForgeRepo } from './forge.ts';

/** Somebody as the forge knows them now, with what they may do in this repository now. */
export interface Actor {
  readonly id: number;
  readonly username: string;
  readonly role: Role;
  /** The account that we act with. */
  readonly isUs: boolean;
}

/** A text that an event carries, whose it is, and which text it was. */
export interface TrustedText {
  /** `issue`, `comment`, `merge_request`. */
  readonly what: string;
  readonly author: string;
  /** The lowest role of all who wrote at it. */
  readonly role: Role;
  /** Of the text, in hex. */
  readonly sha256: string;
  /** Who acted on exactly this text, and so stands for it. */
  readonly endorsedBy?: string;
}

/** What somebody did, as the forge itself recorded it. */
export interface Act {
  readonly type: EventName;
  /** Made of the forge's own id of the act: whoever reads it again reads the same. */
  readonly key: string;
  readonly at: Date;
  readonly actor: Actor;
  /** The lowest role among all whose texts a job of this would read; an endorsed text counts as its endorser's. */
  readonly trust: Role;
  readonly texts: readonly TrustedText[];
  /** What templates and conditions look at: `issue`, `merge_request`, `label`, `ref`, `sha`, `comment`. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A note that begins with `/autodev`. It is nobody's vote yet: whoever carries it out checks all that it needs. */
export interface NoteCommand {
  readonly on: 'issue' | 'merge_request';
  readonly number: number;
  readonly noteId: number;
  readonly author: Actor;
  readonly at: Date;
  readonly isEdited: boolean;
  readonly text: string;
}

export interface ReadActs {
  readonly acts: readonly Act[];
  readonly command: NoteCommand | undefined;
}

/** The side of a forge that tells who did what. */
export interface ActReader {
  /**
   * What happened to a thing after `since`, of the kinds that are wanted: actor, role, act and text as the forge has
   * them now. Empty for what is gone, closed or confidential. What could not be read is thrown as FORGE_*, and never
   * looks like "nothing happened".
   */
  readActs(
    repo: ForgeRepo,
    subject: HintSubject,
    options: { since: Date; wanted: ReadonlySet<EventName> },
    signal: AbortSignal,
  ): Promise<ReadActs>;
}
