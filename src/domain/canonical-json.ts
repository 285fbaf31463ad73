/**
 * One text for one JSON value: keys sorted by code unit, no white space, `undefined` members left out. Equal
 * values have equal texts, so a hash of the text identifies the value.
 *
 * @throws TypeError for what JSON cannot say (functions, symbols, bigints, numbers that are not finite)
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0
      ? '[]'
      : `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  }
  if (isJsonObject(value)) {
    // Built up in one text, without lists on the way: every object of every file passes here.
    let members = '';
    for (const key of Object.keys(value).sort()) {
      const member = value[key];
      if (member !== undefined) {
        members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
      }
    }
    return `{${members}}`;
  }
  if (value === null || typeof value === 'boolean') {
    return String(value);
  }
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) {
    return JSON.stringify(value);
  }
  throw new TypeError(`JSON cannot say a ${typeof value} like this one`);
}

/** Whether a value is a JSON object: neither null nor an array. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
