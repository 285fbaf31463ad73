import type { BoxSpec, Command, Sandbox } from './sandbox.ts';
import { NODE_INSIDE, PROGRAMS_INSIDE } from './toolbox.ts';

/** Ports of the box's own loopback, which nobody else shares. */
const EGRESS = { socket: '/run/egress.sock', port: 8089 } as const;
const LLM = { socket: '/run/llm.sock', port: 8088 } as const;

/** Where a worker in a box finds the gateway to its model. */
export const LLM_URL_INSIDE = `http://127.0.0.1:${LLM.port}`;

interface Start {
  readonly box: BoxSpec;
  readonly command: Command;
}

/**
 * Gives a command the gateway at `socketPath`: the socket is bound into the box, and a bridge makes it an ordinary
 * HTTP server at `LLM_URL_INSIDE`. For a box only; without one there is nothing to bridge.
 */
export function withLlm(socketPath: string, start: Start): Start {
  return bridged(LLM, socketPath, start);
}

/**
 * Gives a command the egress proxy at `socketPath`: the socket is bound into the box, and a bridge makes it an
 * ordinary HTTP proxy there. Without a box there is nothing to bridge; the command has our network as it is.
 */
export function withEgress(
  sandbox: Pick<Sandbox, 'isolates'>,
  socketPath: string,
  { box, command }: Start,
): Start {
  if (!sandbox.isolates) {
    return { box, command };
  }
  const proxy = `http://127.0.0.1:${EGRESS.port}`;
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];
  const env = {
    ...Object.fromEntries(names.map((name) => [name, proxy])),
    NODE_USE_ENV_PROXY: '1',
    ...box.env,
  };
  return bridged(EGRESS, socketPath, { box: { ...box, env }, command });
}

function bridged(
  { socket, port }: { socket: string; port: number },
  socketPath: string,
  { box, command }: Start,
): Start {
  return {
    box: { ...box, sockets: [...box.sockets, { host: socketPath, at: socket }] },
    command: {
      ...command,
      file: NODE_INSIDE,
      argv: [`${PROGRAMS_INSIDE}/bridge.mjs`, socket, String(port), command.file, ...command.argv],
    },
  };
}
