/**
 * Sequences that move the cursor, change colours, titles or the clipboard, with either introducer: CSI, then
 * strings (OSC, DCS, SOS, PM, APC) up to their end or the end of the line, then all other escapes.
 */
const ESCAPES =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /(?:\u001b\[|\u009b)[\u0020-\u003f]*[\u0040-\u007e]?|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?|\u001b[\u0020-\u002f]*[\u0030-\u007e]?/gu;

/** Controls but tab and line feed, and what reorders or hides text. */
const CONTROLS =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;

/**
 * Text from a worker, an issue or a commit as it may be printed to a terminal: it cannot colour, move, clear,
 * retitle or reorder anything. A lone carriage return, which would overwrite its line, starts a new one.
 */
export function terminalText(text: string): string {
  return text.replaceAll(ESCAPES, '').replaceAll(/\r\n?/gu, '\n').replaceAll(CONTROLS, '');
}
