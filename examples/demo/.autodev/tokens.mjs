/**
 * Cuts JavaScript into tokens `{ type, text, start, end }`, so that a change never lands in a comment, a
 * string or a regular expression. Comments and white space are left out; the expressions inside a
 * template literal are tokens like all others. Enough for plain modules; JSX is not read.
 */

const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const NAME = /#?[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /0[xob][\da-f_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d+)?n?/iy;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;
const PUNCTUATOR =
  />>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|[=!<>+\-*/%&|^]=|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--|<<|>>|\*\*|[\s\S]/y;

const KEYWORDS = new Set(
  'await case delete do else in instanceof new of return throw typeof void yield'.split(' '),
);

export function tokenize(source) {
  const tokens = [];
  /** Open braces, from outer to inner; true where the brace is the `${` of a template. */
  const braces = [];
  let at = 0;

  const match = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const push = (type, text) => {
    tokens.push({ type, text, start: at, end: at + text.length });
    at += text.length;
  };
  const pushTemplate = (open) => {
    at += open.length;
    const rest = match(TEMPLATE) ?? source.slice(at);
    at -= open.length;
    if (rest.endsWith('${')) {
      braces.push(true);
    }
    push(rest.endsWith('${') ? 'template-open' : 'template', open + rest);
  };

  while (at < source.length) {
    at += match(SPACE)?.length ?? 0;
    const next = source[at];
    let text;
    if (next === undefined) {
      break;
    } else if (next === '`') {
      pushTemplate('`');
    } else if (next === '}' && braces.pop()) {
      pushTemplate('}');
    } else if ((text = match(NAME))) {
      push('name', text);
    } else if ((text = match(NUMBER))) {
      push('number', text);
    } else if ((text = match(STRING))) {
      push('string', text);
    } else if (next === '/' && !isOperandEnd(tokens.at(-1)) && (text = match(REGEX))) {
      push('regex', text);
    } else {
      text = match(PUNCTUATOR);
      if (text === '{') {
        braces.push(false);
      }
      push('punctuator', text);
    }
  }
  return tokens;
}

/** After an operand, `/` divides and `-` subtracts; elsewhere they begin a regex and a negative number. */
export function isOperandEnd(token) {
  if (token === undefined || token.type === 'template-open') {
    return false;
  }
  if (token.type === 'punctuator') {
    return [')', ']', '}'].includes(token.text);
  }
  return !(token.type === 'name' && KEYWORDS.has(token.text));
}
