import type { JobDetail } from '../db/views/job-detail.ts';
import type { Output } from './output.ts';
import { oneLine, plain } from './output.ts';

type Effect = JobDetail['effects'][number];

/** Longer texts are read where they were written to. */
const SHOWN_LINES = 20;

/** What a job asked for, in words: a head line, and the text that it wrote below. */
export function effectLines({ paint }: Output, effect: Effect): string {
  const { head, text } = describe(effect);
  const state = effect.state === 'done' ? '' : ` ${effect.state}`;
  const error = effect.error === null ? '' : paint('red', `: ${oneLine(effect.error)}`);
  return [`${head}${state}${error}`, ...(text === '' ? [] : [indented(text)])].join('\n');
}

/** A text of an agent or a person under its head line, bounded. */
export function indented(text: string): string {
  const lines = plain(text).trimEnd().split('\n');
  const rest = lines.length - SHOWN_LINES;
  return [...lines.slice(0, SHOWN_LINES), ...(rest > 0 ? [`… ${rest} more lines`] : [])]
    .map((one) => `  ${one}`.trimEnd())
    .join('\n');
}

function describe({ type, payload, result }: Effect): { head: string; text: string } {
  const said = fieldsOf(payload);
  const done = fieldsOf(result);
  switch (type) {
    case 'issue': {
      const number = typeof done['number'] === 'number' ? ` #${done['number']}` : '';
      return { head: `issue${number} "${line(said['title'])}"`, text: words(said['description']) };
    }
    case 'comment': {
      const target = line(said['target']).replace(':', ' #');
      const place = target === '' || target === 'subject' ? '' : ` on ${target}`;
      return { head: `comment${place.replace('_', ' ')}`, text: words(said['body']) };
    }
    case 'review': {
      const asks = said['verdict'] === 'request_changes' ? ', asks for changes' : '';
      return { head: `review${asks}`, text: [words(said['summary']), ...notesOf(said)].join('\n') };
    }
    case 'memory':
      return { head: `memory (${line(said['kind'])})`, text: words(said['text']) };
    case 'merge_request': {
      const branch = line(done['branch']);
      const head = `merge request "${line(said['title'])}"${branch && ` on ${branch}`}`;
      return { head, text: words(done['note']) };
    }
    case 'hand_off':
      return { head: `hand-off to ${line(said['agent'])} "${line(said['title'])}"`, text: '' };
    default:
      return { head: type.replaceAll('_', ' '), text: '' };
  }
}

function notesOf({ comments }: Record<string, unknown>): string[] {
  return (Array.isArray(comments) ? comments : []).map((comment: unknown) => {
    const { path, line: at, body } = fieldsOf(comment);
    return `${line(path)}:${typeof at === 'number' ? at : ''} ${words(body)}`;
  });
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function line(value: unknown): string {
  return oneLine(words(value));
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
