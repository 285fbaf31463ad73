import type { IncomingMessage, ServerResponse } from 'node:http';

import { send, type Answer } from './exchange.ts';
import type { Fault } from './faults.ts';
import type { World } from './world.ts';

const PAGE = `<!DOCTYPE html>
<html><head><title>GitLab is not responding (502)</title></head>
<body><h1>502</h1><p>Whoops, GitLab is taking too much time to respond.</p></body></html>
`;

/** Answers as the fault says. `answer` is the real one, for those that spoil or lose it. */
export async function sendWithFault(
  { clock, background }: Pick<World, 'clock' | 'background'>,
  {
    request,
    response,
    fault,
    answer,
  }: {
    request: IncomingMessage;
    response: ServerResponse;
    fault: Fault;
    answer: Answer | undefined;
  },
): Promise<void> {
  request.resume();
  switch (fault.kind) {
    case 'status': {
      const after = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
      response.writeHead(fault.status, { 'content-type': 'application/json', ...after });
      response.end(JSON.stringify({ message: `${fault.status}` }));
      return;
    }
    case 'hang':
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'html':
      response.writeHead(fault.status ?? 200, { 'content-type': 'text/html; charset=utf-8' });
      response.end(PAGE);
      return;
    case 'redirect':
      response.writeHead(302, { location: fault.location });
      response.end();
      return;
    case 'bad_json': {
      const body = answer?.body ?? Buffer.from('{"message":"cut"}');
      response.writeHead(answer?.status ?? 200, { 'content-type': 'application/json' });
      response.end(body.subarray(0, Math.max(Math.floor(body.length / 2), 1)));
      return;
    }
    case 'half': {
      const body = answer?.body ?? Buffer.from(PAGE);
      response.writeHead(answer?.status ?? 200, {
        ...answer?.headers,
        'content-length': String(body.length + 1),
      });
      response.write(body.subarray(0, Math.floor(body.length / 2)), () => {
        request.socket.destroy();
      });
      return;
    }
    case 'slow':
      background.run(async (signal) => {
        await clock.sleep(fault.ms, signal);
        if (answer && !signal.aborted) {
          send(response, answer);
        }
      });
      return;
  }
}
