import { readOutputLine } from '../config/outputs.ts';
import type { OutputLine } from '../domain/outputs.ts';
import { readWorkerFile } from '../sandbox/bounded-file.ts';
import type { Failure } from './box-run.ts';

const MOST_BYTES = 1024 * 1024;
const MOST_LINES = 200;
/** Of the problems, as many as a person reads. */
const SHOWN_PROBLEMS = 5;

/** What a worker wrote to `outputs.jsonl`. A file that is not there is one without a line. */
export async function readOutputs(
  path: string,
): Promise<{ readonly lines: readonly OutputLine[] } | { readonly failure: Failure }> {
  const file = await readWorkerFile(path, MOST_BYTES);
  if (file === undefined) {
    return { lines: [] };
  }
  if ('refused' in file) {
    return refuse([`outputs.jsonl ${file.refused}`]);
  }
  const texts = file.content
    .toString('utf8')
    .split('\n')
    .map((text, i) => ({ text: text.trim(), line: i + 1 }))
    .filter(({ text }) => text !== '');
  if (texts.length > MOST_LINES) {
    return refuse([`outputs.jsonl has ${texts.length} lines, ${MOST_LINES} are allowed`]);
  }

  const lines: OutputLine[] = [];
  const problems: string[] = [];
  for (const { text, line } of texts) {
    const read = readOutputLine(text);
    if ('problem' in read) {
      problems.push(`line ${line} of outputs.jsonl: ${read.problem}`);
    } else if (isStorable(text)) {
      lines.push({ line, output: read.output });
    } else {
      problems.push(`line ${line} of outputs.jsonl: holds characters that are no text`);
    }
  }
  return problems.length > 0 ? refuse(problems) : { lines };
}

/** The database keeps no NUL, and no half of a surrogate pair; JSON can write both as escapes. */
function isStorable(json: string): boolean {
  let good = true;
  JSON.parse(json, (key: string, value: unknown) => {
    const texts = typeof value === 'string' ? [key, value] : [key];
    good &&= texts.every((text) => text.isWellFormed() && !text.includes('\0'));
    return value;
  });
  return good;
}

function refuse(problems: readonly string[]): { failure: Failure } {
  const more = problems.length - SHOWN_PROBLEMS;
  const shown = [...problems.slice(0, SHOWN_PROBLEMS), ...(more > 0 ? [`and ${more} more`] : [])];
  return { failure: { reason: 'invalid_output', detail: `${shown.join('; ')}.` } };
}
