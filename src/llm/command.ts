import { AppError } from '../kernel/errors.ts';
import { howItEnded, lastWords } from './last-words.ts';
import type { Provider } from './provider.ts';

/** Any program is an agent: what it prints is the transcript, exit 0 means done. */
export const commandProvider: Provider = {
  name: 'command',
  kind: ({ llm }) => (llm === true ? 'metered' : 'none'),
  probe: () => Promise.resolve({ usable: true, detail: 'any program' }),
  buildCommand({ run = [], llm = false }, { gateway }) {
    const [file, ...argv] = run;
    if (file === undefined) {
      throw new AppError('INVALID_REQUEST', 'the provider `command` names no program', {
        remedy: 'Say what to start: providers: [{ name: command, run: [node, agent.mjs] }]',
      });
    }
    return { file, argv, env: llm ? gatewayVariables(gateway) : {}, home: [], programs: [] };
  },
  newParser() {
    const said = lastWords();
    return {
      line({ text }) {
        said.hear(text);
        return [{ type: 'text', text }];
      },
      end(exit) {
        if (exit.code === 0) {
          return { type: 'done' };
        }
        const words = said.telling();
        const told = words === undefined ? 'and printed nothing' : `after: ${words}`;
        const detail = `The program ${howItEnded(exit)}, ${told}`;
        return { type: 'failed', reason: 'crashed', detail };
      },
    };
  },
};

/** The variables by which the clients of both APIs find their server and their key. */
function gatewayVariables(
  gateway: { readonly url: string; readonly token: string } | undefined,
): Record<string, string> {
  return gateway === undefined
    ? {}
    : {
        OPENAI_BASE_URL: `${gateway.url}/v1`,
        OPENAI_API_KEY: gateway.token,
        ANTHROPIC_BASE_URL: gateway.url,
        ANTHROPIC_API_KEY: gateway.token,
      };
}
