import type { MessagePort } from 'node:worker_threads';
import { parentPort } from 'node:worker_threads';

import type { LoadedConfig } from '../config/load.ts';
import type { LoadRequest, ReadNamedFile } from './load-request.ts';
import { loadOnRequest } from './load-request.ts';

/** To a thread. A `load` before the answer to another one gives that other one up. */
export type ToConfigThread =
  | { readonly kind: 'load'; readonly request: LoadRequest }
  /** Answers `read`. */
  | { readonly kind: 'content'; readonly content: string | undefined };

/** From a thread. What is thrown in it ends it, and says so to who started it. */
export type FromConfigThread =
  /** Asks for a file that the configuration names; one at a time. */
  | { readonly kind: 'read'; readonly path: string }
  | { readonly kind: 'loaded'; readonly loaded: LoadedConfig };

if (parentPort) {
  serve(parentPort);
}

/** Loads one configuration after the other, for the pool that started this thread. */
function serve(port: MessagePort): void {
  let answer: ((content: string | undefined) => void) | undefined;
  const send = (message: FromConfigThread): void => {
    port.postMessage(message);
  };
  const readFile: ReadNamedFile = (path) =>
    new Promise((resolve) => {
      answer = resolve;
      send({ kind: 'read', path });
    });
  const load = async (request: LoadRequest): Promise<void> => {
    send({ kind: 'loaded', loaded: await loadOnRequest(request, readFile) });
  };

  port.on('message', (message: ToConfigThread) => {
    switch (message.kind) {
      case 'load':
        void load(message.request);
        break;
      case 'content':
        answer?.(message.content);
        break;
      default:
        message satisfies never;
    }
  });
}
