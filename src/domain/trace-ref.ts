/** What people point at when they ask where something comes from. */
export type TraceRef =
  | { readonly kind: 'job'; readonly id: number }
  | { readonly kind: 'gate'; readonly id: number }
  | { readonly kind: 'merge_request'; readonly number: number }
  /** `prefix` is the beginning of a commit id: 7 to 64 hex digits, lower case. */
  | { readonly kind: 'commit'; readonly prefix: string }
  | { readonly kind: 'line'; readonly file: string; readonly line: number };

/** How each kind is written, for messages. */
export const TRACE_REF_FORMS =
  'a job (j_12), a gate (g_3), a merge request (!4), a commit (at least 7 hex digits) or a line (autodev.yaml:12)';

/** Reads `j_12`, `g_3`, `!4`, `0a1b2c3` or `autodev.yaml:12`; undefined: it is none of them. */
export function parseTraceRef(text: string): TraceRef | undefined {
  const [, letter, id] = /^([jg])_([1-9]\d{0,14})$/u.exec(text) ?? [];
  if (id !== undefined) {
    return { kind: letter === 'j' ? 'job' : 'gate', id: Number(id) };
  }
  const [, number] = /^!([1-9]\d{0,8})$/u.exec(text) ?? [];
  if (number !== undefined) {
    return { kind: 'merge_request', number: Number(number) };
  }
  const [, file, line] = /^(.*\.ya?ml):([1-9]\d{0,8})$/u.exec(text) ?? [];
  if (file !== undefined) {
    return { kind: 'line', file, line: Number(line) };
  }
  return /^[0-9a-f]{7,64}$/iu.test(text)
    ? { kind: 'commit', prefix: text.toLowerCase() }
    : undefined;
}
