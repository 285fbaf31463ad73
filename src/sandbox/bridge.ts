import type { BoxSpec, Command, Sandbox } from './sandbox.ts';
import { NODE_INSIDE, PROGRAMS_INSIDE } from './toolbox.ts';

const SOCKET_INSIDE = '/run/egress.sock';
/** On the box's own loopback, which nobody else shares. */
const EGRESS_PORT = 8089;

/**
 * Gives a command the egress proxy at `socketPath`: the socket is bound into the box, and a bridge makes it an
 * ordinary HTTP proxy there. Without a box there is nothing to bridge; the command has our network as it is.
 */
export function withEgress(
  sandbox: Pick<Sandbox, 'isolates'>,
  socketPath: string,
  { box, command }: { box: BoxSpec; command: Command },
): { box: BoxSpec; command: Command } {
  if (!sandbox.isolates) {
    return { box, command };
  }
  const proxy = `http://127.0.0.1:${EGRESS_PORT}`;
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];
  return {
    box: {
      ...box,
      sockets: [...box.sockets, { host: socketPath, at: SOCKET_INSIDE }],
      env: {
        ...Object.fromEntries(names.map((name) => [name, proxy])),
        NODE_USE_ENV_PROXY: '1',
        ...box.env,
      },
    },
    command: {
      ...command,
      file: NODE_INSIDE,
      argv: [
        `${PROGRAMS_INSIDE}/bridge.mjs`,
        SOCKET_INSIDE,
        String(EGRESS_PORT),
        command.file,
        ...command.argv,
      ],
    },
  };
}
