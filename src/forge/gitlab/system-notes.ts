import { Type } from 'typebox';

import { Person } from './act-source.ts';
import type { ActSource } from './act-source.ts';

export const Note = Type.Object({
  id: Type.Integer(),
  body: Type.String(),
  system: Type.Boolean(),
  internal: Type.Optional(Type.Boolean()),
  confidential: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  author: Type.Union([Person, Type.Null()]),
  created_at: Type.String(),
  updated_at: Type.String(),
});

/** GitLab's own record of what somebody did. */
export interface SystemNote {
  readonly id: number;
  readonly body: string;
  readonly author: { readonly id: number; readonly username: string } | null;
  readonly at: Date;
}

export async function listSystemNotes(source: ActSource, of: string): Promise<SystemNote[]> {
  const notes = await source.list(
    Note,
    `${of}/notes?activity_filter=only_activity&sort=desc&order_by=created_at`,
  );
  return notes
    .filter(({ system }) => system)
    .map(({ id, body, author, created_at: at }) => ({ id, body, author, at: new Date(at) }));
}

/** Those that begin so and name this account. */
export function named(notes: readonly SystemNote[], begin: RegExp, username: string): SystemNote[] {
  return notes.filter(({ body }) => begin.test(body) && mentions(body, username));
}

/** Whether a text speaks to somebody; what it quotes and what is code speaks to nobody. */
export function mentions(text: string, username: string): boolean {
  const said = text
    .replaceAll(/^ {0,3}(```|~~~)[\s\S]*?(^ {0,3}\1|$(?![\s\S]))/gmu, '')
    .replaceAll(/`[^`\n]*`/gu, '')
    .replaceAll(/^\s*>.*$/gmu, '');
  const escaped = username.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`);
  return new RegExp(String.raw`(^|[^\w/@.-])@${escaped}(?![\w-]|\.\w)`, 'iu').test(said);
}
