export interface TextStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan';

/** Where a command's words go. Answers are what scripts read; everything else is for people. */
export interface Output {
  readonly isJson: boolean;
  /** Cells that a line has room for; undefined: nobody looks, do not cut. */
  readonly columns: number | undefined;
  /** The answer: as JSON, or as what `human` makes of it. */
  answer: (value: unknown, human: () => string) => void;
  /** A line of text to people: to standard output, or beside the JSON to standard error. */
  say: (text: string) => void;
  /** A line to standard error, always. */
  warn: (text: string) => void;
  paint: (style: Paint, text: string) => string;
}

interface OutputOptions {
  stdout: TextStream;
  stderr: TextStream;
  json: boolean;
  /** NO_COLOR with any content turns colours off (no-color.org), FORCE_COLOR on. */
  env: NodeJS.ProcessEnv;
}

export function createOutput({ stdout, stderr, json, env }: OutputOptions): Output {
  const noColor = env['NO_COLOR'] ?? '';
  const forced = env['FORCE_COLOR'] ?? '';
  const isTerminal = stdout.isTTY === true && env['TERM'] !== 'dumb';
  const hasColor = noColor === '' && !json && (isTerminal || (forced !== '' && forced !== '0'));
  const line = (stream: TextStream, text: string): void => {
    if (text !== '') {
      stream.write(text.endsWith('\n') ? text : `${text}\n`);
    }
  };

  return {
    isJson: json,
    columns: stdout.isTTY === true ? stdout.columns : undefined,
    answer: (value, human) => line(stdout, json ? JSON.stringify(value, undefined, 2) : human()),
    say: (text) => line(json ? stderr : stdout, text),
    warn: (text) => line(stderr, text),
    paint: (style, text) => {
      if (!hasColor) {
        return text;
      }
      // Worker threads and more hang on it, which plain text need not wait for.
      const { styleText } = process.getBuiltinModule('node:util');
      return styleText(style, text, { validateStream: false });
    },
  };
}

/**
 * Text that an agent or a stranger wrote, safe to print: control characters (but tab and newline) and those
 * that turn the direction of text could rewrite what stands on the screen.
 */
export function plain(text: string): string {
  return text.replaceAll(/(?![\t\n])\p{Cc}|\p{Bidi_Control}/gu, '�');
}

/** The same on one line. */
export function oneLine(text: string): string {
  return plain(text.replaceAll(/\s+/g, ' ').trim());
}
