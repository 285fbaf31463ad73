import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface Load {
  readonly perSecond: number;
  /** Milliseconds from the last byte of a request to the first of its answer. */
  readonly p50: number;
  readonly p99: number;
}

/**
 * Sends requests over so many connections, one at a time on each, as whole texts made before: the processors are the
 * server's. Rejects when an answer is no 2xx; answers must have no body.
 */
export async function load(
  { port, connections }: { port: number; connections: number },
  requests: readonly Buffer[],
): Promise<Load> {
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  const latencies: number[] = [];
  let next = 0;
  const started = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      for (let at = next; at < requests.length; at = next) {
        next += 1;
        latencies.push(await send(socket, requests[at] ?? Buffer.alloc(0)));
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  sockets.forEach((socket) => socket.destroy());
  latencies.sort((a, b) => a - b);
  const share = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? 0;
  return { perSecond: requests.length / seconds, p50: share(0.5), p99: share(0.99) };
}

function send(socket: Socket, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const started = performance.now();
    const end = (error?: Error): void => {
      socket.off('data', read).off('close', closed);
      if (error) {
        reject(error);
      } else {
        resolve(performance.now() - started);
      }
    };
    const closed = (): void => end(new Error('the server closed a connection'));
    const read = (data: Buffer): void => {
      answer += data.toString('latin1');
      if (answer.includes('\r\n\r\n')) {
        const [status = ''] = answer.split('\r\n', 1);
        end(/ 20\d /.test(status) ? undefined : new Error(`the server answered ${status}`));
      }
    };
    socket.on('data', read).on('close', closed);
    socket.write(request);
  });
}
