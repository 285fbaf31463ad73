/** A header or a one-line answer; errors of servers are some hundred bytes. */
const MOST_LINE_BYTES = 4 * 1024;
/** A hint has 256 bytes at most, a channel's name fewer. */
const MOST_TEXT_BYTES = 1024;
/** What a subscription sends: kind, channel, message. */
const MOST_ELEMENTS = 3;
const LINE_END = 0x0a;
/** Stands for a text that was too long to be let in; it is no hint. */
const TOO_LONG = Buffer.from('$1\r\n!\r\n');

/**
 * Reads what a server sends (RESP2) and answers what of it may reach the client: the answers that our few commands can
 * have. A text that is too long is taken out on its way, so that nobody can fill our memory through a channel (a server
 * lets 512 MB through). Its state is that of one connection.
 *
 * It also keeps from ioredis 6.0.0 what brings the process down: it throws, where nobody can catch it, at a null that
 * was not asked for.
 *
 * @throws {Error} when this is not what a Redis server would answer us
 */
export function createReplyGuard(): (chunk: Buffer) => Buffer {
  let line = Buffer.alloc(0);
  /** Bytes left of the text that is being read, with its line end. */
  let textLeft = 0;
  let isTooLong = false;
  /** Elements left of the list that is being read. */
  let elementsLeft = 0;

  const readHeader = (header: Buffer): Buffer => {
    const [, kind = '', rest = ''] =
      /^([-+:$*])([^\r\n]*)\r\n$/.exec(header.toString('latin1')) ?? [];
    const isInList = elementsLeft > 0;
    elementsLeft = Math.max(0, elementsLeft - 1);
    if (kind === '*') {
      elementsLeft = count(rest);
      if (isInList || elementsLeft < 1 || elementsLeft > MOST_ELEMENTS) {
        throw new Error('a list that no command of ours is answered with');
      }
      return header;
    }
    if (kind === '$') {
      if (isInList && rest === '-1') {
        return header;
      }
      const bytes = count(rest);
      textLeft = bytes + 2;
      isTooLong = bytes > MOST_TEXT_BYTES;
      return isTooLong ? TOO_LONG : header;
    }
    if (kind === '') {
      throw new Error('no answer of a Redis server');
    }
    return header;
  };

  return (chunk) => {
    const passed: Buffer[] = [];
    for (let at = 0; at < chunk.length;) {
      if (textLeft > 0) {
        const part = chunk.subarray(at, at + textLeft);
        if (!isTooLong) {
          passed.push(part);
        }
        textLeft -= part.length;
        at += part.length;
        continue;
      }
      const end = chunk.indexOf(LINE_END, at);
      const next = end === -1 ? chunk.length : end + 1;
      line = Buffer.concat([line, chunk.subarray(at, next)]);
      at = next;
      if (line.length > MOST_LINE_BYTES) {
        throw new Error('a line that is too long for an answer');
      }
      if (end !== -1) {
        passed.push(readHeader(line));
        line = Buffer.alloc(0);
      }
    }
    return Buffer.concat(passed);
  };
}

function count(text: string): number {
  if (!/^\d{1,12}$/.test(text)) {
    throw new Error('a length that is none');
  }
  return Number(text);
}
