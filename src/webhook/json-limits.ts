/** GitLab's own payloads nest 6 deep. */
const MOST_DEPTH = 40;
/** Brackets, commas and colons: each makes something that parsing has to keep. */
const MOST_PARTS = 400_000;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Whether a text is JSON that may be parsed: not deeper and not of more parts than anything real. Looks at each byte
 * once, and says nothing about whether it is JSON at all.
 */
export function isWithinJsonLimits(text: Uint8Array): boolean {
  let depth = 0;
  let parts = 0;
  let isText = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (isText) {
      if (byte === BACKSLASH) {
        at += 1;
      } else if (byte === QUOTE) {
        isText = false;
      }
      continue;
    }
    if (byte === QUOTE) {
      isText = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      parts += 1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
    } else if (byte === COMMA || byte === COLON) {
      parts += 1;
    }
    if (depth > MOST_DEPTH || parts > MOST_PARTS) {
      return false;
    }
  }
  return true;
}
