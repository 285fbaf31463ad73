/** What stands at a path of keys with dots; undefined where the path leads nowhere. */
export function at(node: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((parent, key) => (isRecord(parent) ? parent[key] : undefined), node);
}

export function listAt(node: unknown, path: string): readonly unknown[] {
  const value = at(node, path);
  return Array.isArray(value) ? value : [];
}

export function textAt(node: unknown, path: string): string | undefined {
  const value = at(node, path);
  return typeof value === 'string' ? value : undefined;
}

export function recordAt(node: unknown, path: string): Readonly<Record<string, unknown>> {
  const value = at(node, path);
  return isRecord(value) ? value : {};
}

/** A mapping of texts: labels, a selector. What is no text is left out. */
export function textsAt(node: unknown, path: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(recordAt(node, path)).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value] as const] : [],
    ),
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every text below a node. */
export function* textsBelow(node: unknown): Generator<string> {
  if (typeof node === 'string') {
    yield node;
  } else if (Array.isArray(node) || isRecord(node)) {
    for (const inner of Object.values(node)) {
      yield* textsBelow(inner);
    }
  }
}

/** Whether labels carry everything that a selector asks for. */
export function matches(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** `500m` → 0.5, `2Gi` → 2147483648; NaN for what is no quantity. */
export function amount(quantity: unknown): number {
  const [, digits = '', unit = ''] = /^([\d.]+)(m|Ki|Mi|Gi|Ti)?$/.exec(String(quantity)) ?? [];
  const factor = { m: 0.001, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 }[unit] ?? 1;
  return digits === '' ? Number.NaN : Number(digits) * factor;
}
