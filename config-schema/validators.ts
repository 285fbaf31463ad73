import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';

import { readSchema, SCHEMAS } from './schemas.ts';
import { withoutAnnotations } from './without-annotations.ts';

/**
 * Validators compiled ahead: compiling at run time costs 40 ms of every command's start (and loads ajv).
 * What the compiled code would import from ajv's runtime is written into the file.
 */
export async function generateValidators(root: string): Promise<[string, string][]> {
  const schemas = await Promise.all(
    SCHEMAS.map(async ({ file }) => withoutAnnotations(await readSchema(root, file))),
  );

  return SCHEMAS.flatMap(({ name, file, type, folder }): [string, string][] => {
    const ajv = new Ajv({
      allErrors: true,
      allowUnionTypes: true,
      discriminator: true,
      strictRequired: false,
      messages: false,
      code: { source: true, esm: true, lines: false },
    });
    ajv.addSchema(schemas);
    const validate = ajv.getSchema(file);
    if (validate === undefined) {
      throw new TypeError(`${file} has no $id that equals its name`);
    }
    const banner = `// Generated from config-schema/${file} by config-schema/generate.ts: do not edit.\n`;
    return [
      [
        `${folder}/${name}-validator.generated.js`,
        `${banner}// oxlint-disable\n${compiledAtLoad(inlineRuntime(standaloneCode.default(ajv, validate)))}\n`,
      ],
      [
        `${folder}/${name}-validator.generated.d.ts`,
        [
          banner.trimEnd(),
          `import type { ${type} } from './${name}.generated.ts';`,
          `import type { SchemaProblem } from '${folder === 'src/config' ? '.' : '../src/config'}/schema-problem.ts';`,
          ``,
          `export declare const validate: {`,
          `  (data: unknown): data is ${type};`,
          `  errors?: SchemaProblem[] | null;`,
          `};`,
          ``,
        ].join('\n'),
      ],
    ];
  });
}

/** ajv's own runtime functions, as small as we need them. */
const RUNTIME: Record<string, string> = {
  ucs2length: `(text) => { let length = 0; for (const _ of text) length++; return length; }`,
  equal: `function equal(a, b) {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}`,
};

function inlineRuntime(code: string): string {
  const inlined = code.replaceAll(
    /require\("ajv\/dist\/runtime\/(\w+)"\)\.default/g,
    (_, name: string) => {
      const source = RUNTIME[name];
      if (source === undefined) {
        throw new TypeError(`the validators need ajv's runtime function ${name}: inline it here`);
      }
      return `(${source})`;
    },
  );
  if (/\brequire\(|\bimport\b/.test(inlined)) {
    throw new TypeError('a compiled validator must not import anything');
  }
  return inlined;
}

/**
 * Functions in brackets, which V8 compiles with their module and so keeps in Node's compile cache. Others it
 * compiles at their first call, at every start anew: 3 of the 7 ms that the validator costs `autodev validate`.
 */
function compiledAtLoad(code: string): string {
  const exported = /export const validate ?= ?\w+;(?:export default \w+;)?/;
  const [exports = ''] = exported.exec(code) ?? [];
  const ends = /return errors === 0;\}/g;
  const begins = /(?<!\()function (validate\d+)\(/g;
  if (exports === '' || code.match(begins)?.length !== code.match(ends)?.length) {
    throw new TypeError('ajv writes its validators in another form than this one knows');
  }
  const wrapped = code
    .replace(exports, '')
    .replaceAll(begins, 'const $1 = (function $1(')
    .replaceAll(ends, 'return errors === 0;});');
  return `${wrapped}${exports}`;
}
