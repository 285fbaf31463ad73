import { Lexer } from 'yaml';

/**
 * Whether a text nests deeper than `limit`. The parser needs 264 ms for 20,000 open brackets, the lexer a few;
 * so only a text that can nest so deep (brackets, or `- - -` on one line) is looked at, and only as tokens.
 */
export function nestsDeeperThan(text: string, limit: number): boolean {
  const brackets = text.split(/[[{]/, limit + 1).length > limit;
  const compactLists = new RegExp(`^\\s*([-?:]\\s+){${limit},}`, 'm').test(text);
  const indented = new RegExp(`^ {${limit},}`, 'm').test(text);
  return (brackets || compactLists || indented) && depthExceeds(text, limit);
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
