import { Lexer } from 'yaml';

/** So many open brackets are looked at more closely, however they are closed. */
const MANY = 500;

/**
 * Whether a text nests deeper than `limit`. The parser needs 264 ms for 20,000 open brackets, the lexer a few;
 * so only a text that can nest so deep (brackets, or `- - -` on one line) is looked at, and only as tokens.
 */
export function nestsDeeperThan(text: string, limit: number): boolean {
  const brackets = deepestBracket(text) > limit || text.split(/[[{]/, MANY).length === MANY;
  const indented = text.includes(' '.repeat(limit)) && new RegExp(`^ {${limit},}`, 'm').test(text);
  const compactLists = new RegExp(`^\\s*([-?:]\\s+){${limit},}`, 'm').test(text);
  return (brackets || compactLists || indented) && depthExceeds(text, limit);
}

/** As if every bracket were one of YAML's. Closing ones in quotes could hide a depth, but not beyond MANY. */
function deepestBracket(text: string): number {
  let open = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '[' || char === '{') {
      open += 1;
      deepest = Math.max(deepest, open);
    } else if (char === ']' || char === '}') {
      open = Math.max(0, open - 1);
    }
  }
  return deepest;
}

/** Counts open brackets, block entries on one line, and levels of indentation. */
function depthExceeds(text: string, limit: number): boolean {
  let open = 0;
  let entries = 0;
  let column = 0;
  const indents: number[] = [];
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') {
      open += 1;
    } else if (token === ']' || token === '}') {
      open -= 1;
    }
    if (token === '\n' || token === '\r\n') {
      column = 0;
      entries = 0;
      continue;
    }
    if (token === '-' || token === '?') {
      entries += 1;
    }
    if (column === 0 && token.trim() !== '') {
      column = 1;
    } else if (column === 0) {
      while ((indents.at(-1) ?? 0) > token.length) {
        indents.pop();
      }
      if (token.length > (indents.at(-1) ?? 0)) {
        indents.push(token.length);
      }
      column = 1;
    }
    if (open + entries + indents.length > limit) {
      return true;
    }
  }
  return false;
}
