const RECORD_HANDSHAKE = 0x16;
const CLIENT_HELLO = 0x01;
const EXTENSION_SERVER_NAME = 0x0000;
const EXTENSION_ENCRYPTED_HELLO = 0xfe0d;
const MAX_HELLO_BYTES = 32 * 1024;

/** `more`: not all there yet. `invalid`: no ClientHello, or one that hides or repeats the name it asks for. */
export type ClientHello =
  | { readonly state: 'more' }
  | { readonly state: 'invalid' }
  /** `serverName` in lower case; undefined when the client sent none. */
  | { readonly state: 'complete'; readonly serverName: string | undefined };

/** Reads the server name (RFC 6066 §3) out of the first bytes of a TLS connection, which may come in pieces. */
export function parseClientHello(bytes: Buffer): ClientHello {
  const handshake = joinRecords(bytes);
  // Both: a stream of empty records never makes a handshake.
  if (handshake === undefined || bytes.length > 2 * MAX_HELLO_BYTES) {
    return { state: 'invalid' };
  }
  if (handshake.length < 4) {
    return { state: 'more' };
  }
  const bodyBytes = handshake.readUIntBE(1, 3);
  if (handshake[0] !== CLIENT_HELLO || bodyBytes > MAX_HELLO_BYTES) {
    return { state: 'invalid' };
  }
  if (handshake.length < 4 + bodyBytes) {
    return { state: 'more' };
  }
  try {
    return { state: 'complete', serverName: readServerName(handshake.subarray(4, 4 + bodyBytes)) };
  } catch (error) {
    if (error instanceof RangeError) {
      return { state: 'invalid' };
    }
    throw error;
  }
}

/** A hello may be spread over several records. Undefined when the bytes are no handshake. */
function joinRecords(bytes: Buffer): Buffer | undefined {
  const fragments: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== RECORD_HANDSHAKE) {
      // What follows a complete hello is not ours to judge.
      return fragments.length > 0 ? Buffer.concat(fragments) : undefined;
    }
    if (at + 5 > bytes.length) {
      break;
    }
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    fragments.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(fragments);
}

/** Throws RangeError for a body whose lengths do not fit, and for one that names two servers or hides the name. */
function readServerName(body: Buffer): string | undefined {
  const hello = cursor(body);
  hello.take(2 + 32); // version, random
  hello.takeVector(1); // session
  hello.takeVector(2); // cipher suites
  hello.takeVector(1); // compression
  let name: string | undefined;
  const extensions = cursor(hello.isAtEnd() ? Buffer.alloc(0) : hello.takeVector(2));
  while (!extensions.isAtEnd()) {
    const type = extensions.take(2).readUInt16BE(0);
    const data = extensions.takeVector(2);
    if (
      type === EXTENSION_ENCRYPTED_HELLO ||
      (type === EXTENSION_SERVER_NAME && name !== undefined)
    ) {
      throw new RangeError('the name is hidden or given twice');
    }
    if (type === EXTENSION_SERVER_NAME) {
      const names = cursor(cursor(data).takeVector(2));
      const kind = names.take(1)[0];
      name = names.takeVector(2).toString('latin1').toLowerCase();
      if (kind !== 0 || !names.isAtEnd()) {
        throw new RangeError('not exactly one host name');
      }
    }
  }
  return name;
}

interface Cursor {
  take(count: number): Buffer;
  /** A length of `lengthBytes` bytes, and that many bytes. */
  takeVector(lengthBytes: number): Buffer;
  isAtEnd(): boolean;
}

function cursor(bytes: Buffer): Cursor {
  let at = 0;
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) {
      throw new RangeError('a length goes beyond the end');
    }
    at += count;
    return bytes.subarray(at - count, at);
  };
  return {
    take,
    takeVector: (lengthBytes) => take(take(lengthBytes).readUIntBE(0, lengthBytes)),
    isAtEnd: () => at === bytes.length,
  };
}
