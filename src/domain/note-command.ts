import { visibleText } from './sanitize.ts';

/** What a note can ask of us. */
export type NoteCommand =
  | { readonly verb: 'approve'; readonly sha: string }
  | { readonly verb: 'reject' | 'changes'; readonly text: string }
  | { readonly verb: 'answer'; readonly text: string }
  | { readonly verb: 'rehearse'; readonly agent: string }
  | { readonly verb: 'plan' | 'retry' | 'stop' | 'help' }
  /** It was meant for us, and says nothing that we do. `remedy` tells its author how it is written. */
  | { readonly verb: 'unclear'; readonly remedy: string };

/** What a command is written like. */
export const COMMANDS = [
  ['/autodev approve SHA', 'approves exactly this commit: its first 8 characters or more'],
  ['/autodev reject REASON', 'ends the work and closes the merge request; the branch stays'],
  ['/autodev changes NOTE', 'sends the work back with what you wrote, and the open threads'],
  ['/autodev answer TEXT', 'answers the question that was asked'],
  ['/autodev plan', 'shows what the change of autodev.yaml would do'],
  ['/autodev rehearse AGENT', 'shows the prompt, limits and sandbox of an agent; runs nothing'],
  ['/autodev retry', 'does the work again'],
  ['/autodev stop', 'stops the work on this merge request'],
] as const;

const FIRST_WORD = /^\/autodev(?![\w/-])[^\S\n]*/u;
const SHA = /^[0-9a-f]{8,64}$/u;

/**
 * The command of a note; undefined: it is none. Only the very first characters of a note make it one, so that no
 * quotation, code block or list can hold a command, and one note is one command. Characters that nobody sees are
 * taken out before, which can only make text into a command that people read as one.
 */
export function parseNoteCommand(body: string): NoteCommand | undefined {
  const text = visibleText(body).trimEnd();
  const found = FIRST_WORD.exec(text);
  if (!found) {
    return undefined;
  }
  const rest = text.slice(found[0].length);
  const [verb = ''] = /^\S*/u.exec(rest) ?? [];
  const argument = rest.slice(verb.length).trim();
  switch (verb) {
    case 'approve':
      return SHA.test(argument) ? { verb, sha: argument } : unclear('/autodev approve SHA');
    case 'reject':
    case 'changes':
    case 'answer':
      return argument === '' ? unclear(`/autodev ${verb} TEXT`) : { verb, text: argument };
    case 'rehearse':
      return /^[a-z-]{1,40}$/u.test(argument)
        ? { verb, agent: argument }
        : unclear('/autodev rehearse AGENT');
    case 'plan':
    case 'retry':
    case 'stop':
      return argument === '' ? { verb } : unclear(`/autodev ${verb}`);
    case 'help':
    case '':
      return { verb: 'help' };
    default:
      return unclear('/autodev help');
  }
}

function unclear(usage: string): NoteCommand {
  return { verb: 'unclear', remedy: `Write it as \`${usage}\`, and nothing else in the note.` };
}
