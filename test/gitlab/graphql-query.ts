/** One field of a query, with its arguments worked out. */
export interface Field {
  readonly name: string;
  /** The name in the answer. */
  readonly alias: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly fields: readonly Field[];
}

export class GraphqlSyntaxError extends Error {
  override readonly name = 'GraphqlSyntaxError';
}

/** As it is parsed, before fragments are put in. */
type Selection =
  | (Omit<Field, 'fields'> & { readonly fields: readonly Selection[] })
  | { readonly spread: string };

const TOKEN =
  /\s*(?:,|#[^\n]*)?\s*(\.\.\.|"(?:[^"\\]|\\.)*"|[{}()[\]:$!=@|]|-?\d+(?:\.\d+)?|[A-Za-z_]\w*)/y;

/**
 * Parses one query operation: aliases, arguments, variables, lists, objects, named and inline fragments. No
 * directives, no mutations: what the product asks needs neither.
 */
export function parseQuery(source: string, variables: Readonly<Record<string, unknown>>): Field[] {
  const tokens = tokenize(source);
  let at = 0;
  const peek = (): string => tokens[at] ?? '';
  const next = (): string => {
    at += 1;
    return tokens[at - 1] ?? '';
  };
  const expect = (wanted: string): void => {
    const found = next();
    if (found !== wanted) {
      throw new GraphqlSyntaxError(`Parse error: expected ${wanted}, found ${found || 'the end'}`);
    }
  };

  const value = (): unknown => {
    const token = next();
    if (token === '$') {
      return variables[next()] ?? null;
    }
    if (token === '[') {
      const items: unknown[] = [];
      while (peek() !== ']') {
        items.push(value());
      }
      expect(']');
      return items;
    }
    if (token === '{') {
      const object: Record<string, unknown> = {};
      while (peek() !== '}') {
        const name = next();
        expect(':');
        object[name] = value();
      }
      expect('}');
      return object;
    }
    if (token.startsWith('"') || /^-?\d|^(true|false|null)$/.test(token)) {
      const literal: unknown = JSON.parse(token);
      return literal;
    }
    return token;
  };
  const args = (): Record<string, unknown> => {
    const found: Record<string, unknown> = {};
    if (peek() !== '(') {
      return found;
    }
    expect('(');
    while (peek() !== ')') {
      const name = next();
      expect(':');
      found[name] = value();
    }
    expect(')');
    return found;
  };
  const selections = (): Selection[] => {
    const found: Selection[] = [];
    expect('{');
    while (peek() !== '}') {
      if (peek() === '') {
        expect('}');
      }
      if (peek() === '...') {
        next();
        if (peek() === 'on') {
          at += 2;
          found.push(...selections());
        } else {
          found.push({ spread: next() });
        }
        continue;
      }
      found.push(field());
    }
    expect('}');
    return found;
  };
  const field = (): Selection => {
    const first = next();
    const aliased = peek() === ':';
    if (aliased) {
      next();
    }
    const name = aliased ? next() : first;
    const given = args();
    return { name, alias: first, args: given, fields: peek() === '{' ? selections() : [] };
  };
  const fragments = new Map<string, readonly Selection[]>();
  const resolve = (list: readonly Selection[]): Field[] =>
    list.flatMap((one) =>
      'spread' in one
        ? resolve(fragments.get(one.spread) ?? [])
        : [{ ...one, fields: resolve(one.fields) }],
    );

  let operation: Selection[] | undefined;
  while (peek() !== '') {
    if (peek() === 'fragment') {
      next();
      const name = next();
      at += 2;
      fragments.set(name, selections());
      continue;
    }
    while (peek() !== '{' && peek() !== '') {
      if (next() === 'mutation') {
        throw new GraphqlSyntaxError('Mutations are not known to this server.');
      }
      if (peek() === '(') {
        skipBrackets();
      }
    }
    operation = selections();
  }
  return resolve(operation ?? []);

  function skipBrackets(): void {
    let depth = 0;
    do {
      const token = next();
      depth += token === '(' ? 1 : token === ')' ? -1 : 0;
    } while (depth > 0 && peek() !== '');
  }
}

function tokenize(source: string): string[] {
  const tokens: string[] = [];
  const scan = new RegExp(TOKEN);
  let end = 0;
  for (let found = scan.exec(source); found !== null; found = scan.exec(source)) {
    tokens.push(found[1] ?? '');
    end = scan.lastIndex;
  }
  if (
    source
      .slice(end)
      .replace(/#[^\n]*/g, '')
      .replaceAll(',', '')
      .trim() !== ''
  ) {
    throw new GraphqlSyntaxError(`Parse error on ${JSON.stringify(source.slice(end, end + 20))}`);
  }
  return tokens;
}
