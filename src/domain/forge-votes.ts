import type { Vote } from './approval-question.ts';
import type { MergeRequestFacts, SaidNote } from './forge-facts.ts';
import { parseNoteCommand, type NoteCommand } from './note-command.ts';

type VoteCommand =
  | { readonly verb: 'approve'; readonly sha: string }
  | { readonly verb: 'reject' | 'changes'; readonly text: string };

/** How somebody said it. */
type ForgeVia = 'approval' | 'note' | 'merge';

export interface ForgeVote extends Vote {
  readonly via: ForgeVia;
  readonly at: Date;
  /** What was written with it; undefined for a button. */
  readonly text: string | undefined;
  readonly note: string | undefined;
}

/** A vote that never came to be one. */
export interface LostVote {
  readonly by: string;
  readonly note: string | undefined;
  /** A sentence for whoever gave it. */
  readonly sentence: string;
}

/** A command that is no vote. */
export interface AskedCommand {
  readonly note: string;
  readonly by: string;
  readonly at: Date;
  readonly command: Exclude<NoteCommand, VoteCommand>;
}

export interface HeardNotes {
  /** In the order in which they were given, whatever the order in which they were read. */
  readonly votes: readonly ForgeVote[];
  readonly lost: readonly LostVote[];
  readonly commands: readonly AskedCommand[];
}

interface Hearing {
  readonly head: string;
  readonly since: Date;
  readonly quietMs: number;
  /** Our account: what it writes is no vote. */
  readonly bot: string;
  /** Notes whose words were carried out: they say nothing more, and what their author said before them is over. */
  readonly spent: readonly string[];
  /** Where the votes are on something that is merged: notes after it may name the commit that brought it. */
  readonly merged?: { readonly commit: string; readonly at: Date } | undefined;
}

const APPROVED = /^approved this merge request/iu;

/**
 * What people said about one head. A push voids what was said before it: a vote counts from the time of the newest
 * version on. The forge's button does not tell which head its presser saw, so a vote of it counts only after the
 * quiet period, when a page that was open before the push has been left; a note names its commit.
 *
 * @param since when the newest version came
 */
export function hearVotes(
  request: Pick<MergeRequestFacts, 'approvals' | 'notes'>,
  { head, since, quietMs, bot, spent, merged }: Hearing,
): HeardNotes {
  const votes: ForgeVote[] = [];
  const lost: LostVote[] = [];
  const commands: AskedCommand[] = [];

  const approvals = request.approvals.toSorted((a, b) => Number(a.at ?? 0) - Number(b.at ?? 0));
  for (const approval of uniqueBy(approvals, ({ by }) => by)) {
    const at = approval.at ?? timeInNotes(request.notes, approval.by);
    const problem = buttonProblem(at, { since, quietMs, head });
    if (at === undefined || problem !== undefined) {
      lost.push({ by: approval.by, note: undefined, sentence: problem ?? '' });
      continue;
    }
    const id = `approval:${approval.by}`;
    const by = approval.by;
    votes.push({
      id,
      by,
      choice: 'approve',
      head,
      via: 'approval',
      at,
      text: undefined,
      note: undefined,
    });
  }

  // Seen twice, before and after an edit, it is an edited one.
  const notes = request.notes.toSorted((a, b) => Number(b.updatedAt) - Number(a.updatedAt));
  for (const note of uniqueBy(notes, ({ id }) => id)) {
    const command = note.system || note.by === bot ? undefined : parseNoteCommand(note.body);
    if (command === undefined) {
      continue;
    }
    if (note.updatedAt.getTime() !== note.at.getTime()) {
      lost.push({
        ...who(note),
        sentence: 'The note was edited, and an edited note is no vote and no command.',
      });
      continue;
    }
    switch (command.verb) {
      case 'approve':
      case 'reject':
      case 'changes': {
        const problem = noteProblem(note, command, { head, since, merged });
        if (problem === undefined) {
          const text = command.verb === 'approve' ? undefined : command.text;
          votes.push(voteOf(note, { choice: command.verb, text, head }));
        } else {
          lost.push({ ...who(note), sentence: problem });
        }
        break;
      }
      case 'answer':
      case 'rehearse':
      case 'plan':
      case 'retry':
      case 'stop':
      case 'help':
      case 'unclear':
        commands.push({ note: note.id, by: note.by, at: note.at, command });
        break;
      default:
        command satisfies never;
    }
  }
  const over = votes.filter(({ note }) => note !== undefined && spent.includes(note));
  const counted = votes.filter(({ by, at }) => !over.some((one) => one.by === by && one.at >= at));
  counted.sort(byTime);
  commands.sort(byTime);
  return { votes: counted, lost: lost.sort((a, b) => compare(key(a), key(b))), commands };
}

function who({ by, id }: SaidNote): { by: string; note: string } {
  return { by, note: id };
}

function voteOf(
  { id, by, at }: SaidNote,
  said: Pick<ForgeVote, 'choice' | 'text' | 'head'>,
): ForgeVote {
  return { id: `note:${id}`, by, ...said, via: 'note', at, note: id };
}

function noteProblem(
  { at }: SaidNote,
  command: NoteCommand,
  { head, since, merged }: Pick<Hearing, 'head' | 'since' | 'merged'>,
): string | undefined {
  const names = merged && at >= merged.at ? [head, merged.commit] : [head];
  if (command.verb === 'approve' && !names.some((sha) => sha.startsWith(command.sha))) {
    return `It names another commit: the branch is at ${head.slice(0, 8)}.`;
  }
  return at <= since ? 'Somebody pushed after it was given, and a push voids votes.' : undefined;
}

function buttonProblem(
  at: Date | undefined,
  { since, quietMs, head }: Pick<Hearing, 'since' | 'quietMs' | 'head'>,
): string | undefined {
  const again = `To approve this state: \`/autodev approve ${head.slice(0, 8)}\`.`;
  if (at === undefined) {
    return `It is not known when the button was pressed. ${again}`;
  }
  if (at <= since) {
    return `Somebody pushed after the button was pressed, and a push voids votes. ${again}`;
  }
  return at.getTime() < since.getTime() + quietMs
    ? `The button was pressed within ${Math.round(quietMs / 1000)} s of a push, perhaps for what was there before. ${again}`
    : undefined;
}

/** Servers before 18 do not say when the button was pressed; their own notes do. */
function timeInNotes(notes: readonly SaidNote[], by: string): Date | undefined {
  const said = notes.filter((note) => note.system && note.by === by && APPROVED.test(note.body));
  return said.toSorted(byTime).at(-1)?.at;
}

function byTime(a: { at: Date; id?: string; note?: string | undefined }, b: typeof a): number {
  return a.at.getTime() - b.at.getTime() || compare(key(a), key(b));
}

function key({ id, note, by }: { id?: string; note?: string | undefined; by?: string }): string {
  // Ids of notes count upwards; so padded, their order as text is their order as numbers.
  return `${(note ?? '').padStart(20, '0')} ${id ?? ''} ${by ?? ''}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The first of each, so that what a page shows twice counts once. */
function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.toReversed().map((item) => [keyOf(item), item])).values()].toReversed();
}
