/**
 * What a forge says that something happened to: ids alone. A hint is never a fact: whoever follows it reads the
 * thing, who did what to it, and what they may do, from the forge.
 */
export type HintSubject =
  | { readonly kind: 'issue'; readonly number: number }
  | { readonly kind: 'merge_request'; readonly number: number }
  | {
      readonly kind: 'note';
      readonly on: 'issue' | 'merge_request';
      readonly number: number;
      readonly id: number;
    }
  | { readonly kind: 'pipeline'; readonly id: number }
  /** A full name: `refs/heads/…` or `refs/tags/…`. */
  | { readonly kind: 'ref'; readonly ref: string };

/** git's own rules for names (git-check-ref-format), as far as they keep out what could confuse a reader. */
// oxlint-disable-next-line no-control-regex -- git refuses them in names, and so do we
const REF = /^refs\/(heads|tags)\/(?!.*(\.\.|@\{|\/\/))[^\u0000- \u007F~^:?*[\\]+$/;
const MOST_REF_LENGTH = 255;

export function isRef(text: string): boolean {
  return text.length <= MOST_REF_LENGTH && REF.test(text);
}

/** The text by which hints of the same thing fold into one: `issue:5`, `note:issue:5:77`, `ref:refs/tags/v1`. */
export function hintKey(subject: HintSubject): string {
  switch (subject.kind) {
    case 'note':
      return `note:${subject.on}:${subject.number}:${subject.id}`;
    case 'pipeline':
      return `pipeline:${subject.id}`;
    case 'ref':
      return `ref:${subject.ref}`;
    case 'issue':
    case 'merge_request':
    default:
      return `${subject.kind}:${subject.number}`;
  }
}

/** The subject that `hintKey` made the text of; undefined: it made no such text. */
export function parseHint(key: string): HintSubject | undefined {
  const ref = key.startsWith('ref:') ? key.slice('ref:'.length) : undefined;
  if (ref !== undefined) {
    return isRef(ref) ? { kind: 'ref', ref } : undefined;
  }
  const [kind, ...rest] = key.split(':');
  if (kind === 'note') {
    const [on, number, id] = [rest[0], positive(rest[1]), positive(rest[2])];
    return (on === 'issue' || on === 'merge_request') &&
      rest.length === 3 &&
      number !== undefined &&
      id !== undefined
      ? { kind, on, number, id }
      : undefined;
  }
  const id = rest.length === 1 ? positive(rest[0]) : undefined;
  if (id === undefined) {
    return undefined;
  }
  return kind === 'issue' || kind === 'merge_request'
    ? { kind, number: id }
    : kind === 'pipeline'
      ? { kind, id }
      : undefined;
}

function positive(text: string | undefined): number | undefined {
  const number = text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
