/**
 * Small changes of a source text: the mistakes that people make, the other way round.
 * A mutation is `{ start, end, text, cost }`; cost 1 is the likeliest kind of mistake, 3 the least likely.
 */
import { isOperandEnd, tokenize } from './tokens.mjs';

/** What an operator, a method or a literal may have been meant to be, by cost. */
// prettier-ignore
const INSTEAD = {
  1: [
    ['<', '<='], ['<=', '<'], ['>', '>='], ['>=', '>'], ['&&', '||'], ['||', '&&'],
    ['floor', 'ceil', 'round'], ['ceil', 'floor', 'round'], ['round', 'floor', 'ceil'],
    ['min', 'max'], ['max', 'min'],
  ],
  2: [
    ['===', '!=='], ['!==', '==='], ['==', '!='], ['!=', '=='], ['+', '-'], ['-', '+'], ['*', '/'],
    ['/', '*', '%'], ['%', '/'], ['+=', '-='], ['-=', '+='], ['*=', '/='], ['/=', '*='],
    ['++', '--'], ['--', '++'], ['true', 'false'], ['false', 'true'], ['??', '||'],
    ['some', 'every'], ['every', 'some'], ['padStart', 'padEnd'], ['padEnd', 'padStart'],
    ['startsWith', 'endsWith'], ['endsWith', 'startsWith'],
  ],
  3: [['<', '>'], ['>', '<'], ['<=', '>='], ['>=', '<='], ['||', '??']],
};

const CUTS = new Set(['slice', 'substring', 'splice', 'at', 'charAt']);

export function mutationsOf(source) {
  const tokens = tokenize(source);
  const partner = matchBrackets(tokens);
  const found = [];
  const add = (cost, from, to, text) => {
    found.push({ start: tokens[from].start, end: tokens[to].end, text, cost });
  };
  const textOf = (from, to) => source.slice(tokens[from].start, tokens[to].end);

  tokens.forEach((token, i) => {
    const before = tokens[i - 1];
    const isBinary = isOperandEnd(before) && token.type === 'punctuator';

    if (token.type === 'name' || isBinary) {
      for (const [cost, rows] of Object.entries(INSTEAD)) {
        for (const text of rows.find(([from]) => from === token.text)?.slice(1) ?? []) {
          add(Number(cost), i, i, text);
        }
      }
    }
    if (token.type === 'number' && /^\d+$/.test(token.text)) {
      add(2, i, i, String(Number(token.text) + 1));
      add(2, i, i, String(Math.max(0, Number(token.text) - 1)));
    }
    if (isBinary && ['-', '/', '%'].includes(token.text)) {
      const [from, to] = [operandStart(i - 1), operandEnd(i + 1)];
      add(1, from, to, `${textOf(i + 1, to)} ${token.text} ${textOf(from, i - 1)}`);
    }
    if (!isBinary && ['!', '-'].includes(token.text)) {
      add(2, i, i, '');
    }
    if (token.text === '(' && ['if', 'while'].includes(before?.text)) {
      add(3, i, partner[i], `(!${textOf(i, partner[i])})`);
    }
    if (token.text === '(' && before?.type === 'name' && !isHead(i)) {
      changeArguments(i, CUTS.has(before.text));
    }
    if (token.text === '[' && isOperandEnd(before) && partner[i] > i + 1) {
      shift(i + 1, partner[i] - 1);
    }
    if (token.text === 'length' && before?.text === '.') {
      shift(i, i);
    }
  });
  return found.filter(({ start, end, text }) => source.slice(start, end) !== text);

  /** `if (…)` and `function f(…) {` take no arguments. */
  function isHead(open) {
    return ['{', '=>'].includes(tokens[partner[open] + 1]?.text);
  }

  function changeArguments(open, isCut) {
    const parts = [];
    let from = open + 1;
    for (let i = from; i <= partner[open]; i = (partner[i] > i ? partner[i] : i) + 1) {
      if (i === partner[open] || tokens[i].text === ',') {
        parts.push([from, i - 1]);
        from = i + 1;
      }
    }
    const real = parts.filter(([first, last]) => first <= last);
    for (let i = 1; i < real.length; i += 1) {
      const [[a, b], [c, d]] = [real[i - 1], real[i]];
      add(2, a, d, `${textOf(c, d)}, ${textOf(a, b)}`);
    }
    if (isCut) {
      real.forEach(([first, last]) => shift(first, last));
    }
  }

  /** One further, or one less. */
  function shift(from, to) {
    add(3, from, to, `${textOf(from, to)} + 1`);
    add(3, from, to, `${textOf(from, to)} - 1`);
  }

  /** The operand that ends at token `i`: `a`, `a.b`, `f(x)`, `list[i]`, `(…)` and chains of them. */
  function operandStart(i) {
    const first = partner[i] < i ? partner[i] : i;
    const before = tokens[first - 1];
    const goesOn = ['(', '['].includes(tokens[first].text)
      ? isOperandEnd(before)
      : ['.', '?.'].includes(before?.text);
    if (!goesOn) {
      return first;
    }
    return operandStart(['.', '?.'].includes(before.text) ? first - 2 : first - 1);
  }

  function operandEnd(i) {
    const last = partner[i] > i ? partner[i] : i;
    const after = tokens[last + 1]?.text;
    if (after === '.' || after === '?.') {
      return operandEnd(last + 2);
    }
    return after === '(' || after === '[' ? operandEnd(last + 1) : last;
  }
}

/** For each bracket the index of the one it belongs to; for any other token its own. */
function matchBrackets(tokens) {
  const partner = tokens.map((_, i) => i);
  const open = [];
  tokens.forEach((token, i) => {
    if (token.type === 'template-open' && token.text.startsWith('`')) {
      open.push(i);
    } else if (token.type === 'punctuator' && ['(', '[', '{'].includes(token.text)) {
      open.push(i);
    } else if (
      (token.type === 'punctuator' && [')', ']', '}'].includes(token.text)) ||
      (token.type === 'template' && token.text.startsWith('}'))
    ) {
      const start = open.pop() ?? i;
      partner[i] = start;
      partner[start] = i;
    }
  });
  return partner;
}
