/** Within these the line is looked for that names the error; a stack trace or a dump often stands below it. */
const KEPT_LINES = 40;
const SHOWN_LINES = 3;
const LINE_CHARACTERS = 300;
const NAMES_AN_ERROR = /^\s*(?:\w*Error|error|fatal|panic)\b.*:/i;

/** The end of what a program printed, to be quoted when it ends badly. */
export interface LastWords {
  hear(text: string): void;
  /** What a person needs of them: the last line that names an error, else the last few. Undefined: it said nothing. */
  telling(): string | undefined;
}

export function lastWords(): LastWords {
  const last: string[] = [];
  return {
    hear(text) {
      if (text.trim() !== '') {
        last.push(text.trim().slice(0, LINE_CHARACTERS));
        last.splice(0, last.length - KEPT_LINES);
      }
    },
    telling() {
      return last.length === 0
        ? undefined
        : (last.findLast((line) => NAMES_AN_ERROR.test(line)) ??
            last.slice(-SHOWN_LINES).join(' | '));
    },
  };
}

/** How a process ended, as the end of a sentence. */
export function howItEnded({
  code,
  signal,
}: {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}): string {
  return code === undefined ? `was ended by ${signal ?? 'a signal'}` : `ended with code ${code}`;
}
