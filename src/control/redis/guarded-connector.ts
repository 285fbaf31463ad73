import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { AbstractConnector } from 'ioredis';

import type { RedisAddress } from './address.ts';
import { createReplyGuard } from './reply-guard.ts';

/** How long a closed connection may take to end before it is destroyed. */
const END_MS = 500;

/** ioredis' own way to connect, with a guard on what comes in. */
export function guardedConnector({ host, port, tls }: RedisAddress): new () => AbstractConnector {
  return class extends AbstractConnector {
    constructor() {
      super(END_MS);
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      const socket = tls
        ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) })
        : connectPlain({ host, port });
      guard(socket);
      socket.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = socket;
      return socket;
    }
  };
}

/** In `push`, where what arrives enters the stream: whoever reads it cannot be earlier. */
function guard(socket: Socket): void {
  const admit = createReplyGuard();
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (!Buffer.isBuffer(chunk)) {
      return push(chunk, encoding);
    }
    try {
      const admitted = admit(chunk);
      return admitted.length === 0 || push(admitted);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  };
}
