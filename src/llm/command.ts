import { AppError } from '../kernel/errors.ts';
import type { Provider } from './provider.ts';

/** Within these the line is looked for that names the error; a stack trace or a dump often stands below it. */
const KEPT_LINES = 40;
const SHOWN_LINES = 3;
const LINE_CHARACTERS = 300;
const NAMES_AN_ERROR = /^\s*(?:\w*Error|error|fatal|panic)\b.*:/i;

/** Any program is an agent: what it prints is the transcript, exit 0 means done. */
export const commandProvider: Provider = {
  name: 'command',
  kind: ({ llm }) => (llm === true ? 'metered' : 'none'),
  probe: () => Promise.resolve({ usable: true }),
  buildCommand({ run = [] }) {
    const [file, ...argv] = run;
    if (file === undefined) {
      throw new AppError('INVALID_REQUEST', 'the provider `command` names no program', {
        remedy: 'Say what to start: providers: [{ name: command, run: [node, agent.mjs] }]',
      });
    }
    return { file, argv };
  },
  newParser() {
    const last: string[] = [];
    return {
      line({ text }) {
        if (text.trim() !== '') {
          last.push(text.trim().slice(0, LINE_CHARACTERS));
          last.splice(0, last.length - KEPT_LINES);
        }
        return [{ type: 'text', text }];
      },
      end({ code, signal }) {
        if (code === 0) {
          return { type: 'done' };
        }
        const how = code === undefined ? `was ended by ${signal}` : `ended with code ${code}`;
        const said = last.length === 0 ? 'and printed nothing' : `after: ${tellingPart(last)}`;
        return { type: 'failed', reason: 'crashed', detail: `The program ${how}, ${said}` };
      },
    };
  },
};

/** What a person needs of the end: the last line that names an error, else the last few. */
function tellingPart(lines: readonly string[]): string {
  return (
    lines.findLast((line) => NAMES_AN_ERROR.test(line)) ?? lines.slice(-SHOWN_LINES).join(' | ')
  );
}
