import type { OutputLine } from './sandbox.ts';

const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines with bounded memory: of a line longer than `maxLineBytes` the beginning is kept
 * and the rest dropped up to its newline, so a worker that never prints one costs no more than that.
 */
export function lineSplitter(
  { stream, maxLineBytes }: { stream: OutputLine['stream']; maxLineBytes: number },
  onLine: (line: OutputLine) => void,
): { push(chunk: Buffer): void; end(): void } {
  let parts: Buffer[] = [];
  let keptBytes = 0;
  let dropped = false;

  const keep = (piece: Buffer): void => {
    const room = maxLineBytes - keptBytes;
    if (piece.length > room) {
      dropped = true;
    }
    const kept = piece.subarray(0, room);
    if (kept.length > 0) {
      // A copy: a slice would hold on to the whole chunk it was cut from.
      parts.push(Buffer.from(kept));
      keptBytes += kept.length;
    }
  };
  const emit = (): void => {
    const text = Buffer.concat(parts).toString('utf8').replace(/\r$/, '');
    const mark = dropped ? ` … [line cut at ${maxLineBytes} bytes]` : '';
    onLine({ stream, text: text + mark, cut: dropped });
    parts = [];
    keptBytes = 0;
    dropped = false;
  };

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, at));
        emit();
        from = at + 1;
      }
      keep(chunk.subarray(from));
    },
    end() {
      if (keptBytes > 0 || dropped) {
        emit();
      }
    },
  };
}
