import type { Static } from 'typebox';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

import type { Topic } from './control-bus.ts';

/** Far above what a hint needs: `{"v":1,"id":9007199254740991}` is 29 bytes. */
const MOST_BYTES = 256;

/** Fields that a newer version adds are let through, as both run side by side while a fleet is upgraded. */
const Hint = Type.Object({
  v: Type.Literal(1),
  id: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
});
type Hint = Static<typeof Hint>;

export function writeHint(id: number | undefined): string {
  return JSON.stringify({ v: 1, ...(id !== undefined && { id }) } satisfies Hint);
}

/** The id as text, empty where the hint has none; undefined: this is no hint of ours. */
export function readHint(message: Buffer): string | undefined {
  if (message.byteLength > MOST_BYTES) {
    return undefined;
  }
  const hint = parse(message.toString('utf8'));
  return Value.Check(Hint, hint) ? String(hint.id ?? '') : undefined;
}

/** Several installations may share a server: each has channels of its own, all of them below `autodev:`. */
export function channelOf(installation: string, topic: Topic): string {
  return `autodev:${installation}:${topic}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
