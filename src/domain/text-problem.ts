import { findSecretShape } from './secret-shapes.ts';

export interface TextProblem {
  readonly code: 'conflict_marker' | 'hidden_text' | 'secret';
  /** From 1. */
  readonly line: number;
  /** The end of a sentence that begins with the file's name. Never quotes a secret. */
  readonly message: string;
  readonly remedy: string;
}

/** Git's markers; a line of `=` alone underlines a heading and is none. */
const CONFLICT = /^(?:<{7}|>{7}|\|{7})(?: |$)/u;
/** Characters that make code read otherwise than it runs (CVE-2021-42574), and tag characters. */
const HIDDEN = /[\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}]/u;

/** The first thing in added lines that must not leave the sandbox. */
export function findTextProblem(lines: readonly string[]): TextProblem | undefined {
  for (const [i, text] of lines.entries()) {
    const problem = problemOf(text, i + 1);
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}

function problemOf(text: string, line: number): TextProblem | undefined {
  if (CONFLICT.test(text)) {
    const message = 'a conflict marker was left in.';
    return { code: 'conflict_marker', line, message, remedy: 'Resolve the conflict.' };
  }
  if (HIDDEN.test(text)) {
    const message = 'a line holds characters that hide or reorder text.';
    return { code: 'hidden_text', line, message, remedy: 'Write such characters as escapes.' };
  }
  const secret = findSecretShape(text);
  if (secret !== undefined) {
    const message = `a line looks like it holds ${secret}.`;
    const remedy = 'Take it out, and revoke it if it is real; build test values from parts.';
    return { code: 'secret', line, message, remedy };
  }
  return undefined;
}
