import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';

const RECONNECT_MS = 1000;

interface FollowOptions {
  path: string;
  query: Record<string, string | number | undefined>;
  /** Ends the reading without an error. */
  until?: AbortSignal;
}

/**
 * Reads an event stream (the part of the HTML standard that the API uses: `id`, `data`, `event`, comments) until
 * its event `end`, or until it is told that enough was read. A connection that breaks is made again and goes on
 * behind the last event.
 */
export async function followEvents(
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  api: Pick<ApiClient, 'stream'>,
  { path, query, until = new AbortController().signal }: FollowOptions,
  onEvent: (data: string, id: string | undefined) => void,
): Promise<void> {
  const stop = AbortSignal.any([signal, until]);
  let lastId: string | undefined;
  let wasConnected = false;
  for (;;) {
    try {
      const stream = api.stream(path, {
        accept: 'text/event-stream',
        query,
        signal: stop,
        headers: lastId === undefined ? {} : { 'last-event-id': lastId },
      });
      const onPart = (): void => {
        wasConnected = true;
      };
      for await (const { id, event, data } of parseEvents(stream, onPart)) {
        if (event === 'end') {
          return;
        }
        lastId = id ?? lastId;
        onEvent(data, id);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (until.aborted) {
        return;
      }
      const isBroken = error instanceof TypeError || (error instanceof AppError && error.retryable);
      // A server that never answered is not worth waiting for; one that did is being restarted.
      if (!wasConnected || !isBroken) {
        throw error;
      }
    }
    await clock.sleep(RECONNECT_MS, stop);
    signal.throwIfAborted();
    if (until.aborted) {
      return;
    }
  }
}

interface StreamEvent {
  id: string | undefined;
  event: string | undefined;
  data: string;
}

async function* parseEvents(
  stream: AsyncIterable<string>,
  onPart: () => void,
): AsyncGenerator<StreamEvent> {
  let rest = '';
  for await (const part of stream) {
    onPart();
    const blocks = (rest + part).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line): [string, string] => {
          const at = line.indexOf(':');
          return [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')];
        }),
      );
      const data = fields.get('data');
      if (data !== undefined) {
        yield { id: fields.get('id'), event: fields.get('event'), data };
      }
    }
  }
}
