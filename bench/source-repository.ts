import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';

const FILES = 4_000;
const COMMITS = 5_000;
const CHANGES = 3;
/** Of a file, on average. */
const LINES = 350;
const HUNKS = 10;

/** What `makeSourceRepository` makes. */
export const SOURCE_REPOSITORY = `${FILES} files of 47 MB, ${COMMITS} commits, packed`;

/**
 * Makes a bare repository that is to git what a well-kept TypeScript project of some years is: text of a large
 * vocabulary that deflates to a quarter, a few files rewritten in places by each commit, and a pack as a server's
 * nightly `git gc` leaves it (33 MB, bitmap, the newest version of a file whole). Always the same. Takes about 10 s:
 * fast-import makes deltas against the blob before, so all versions of a file come together, newest first.
 */
export async function makeSourceRepository(path: string, env: NodeJS.ProcessEnv): Promise<void> {
  mkdirSync(path);
  const options = { cwd: path, env };
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main'], options);
  const git = spawn('git', ['fast-import', '--quiet'], {
    ...options,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = once(git, 'close');
  for (const part of history()) {
    if (!git.stdin.write(part)) {
      await once(git.stdin, 'drain');
    }
  }
  git.stdin.end();
  const [code]: unknown[] = await ended;
  if (code !== 0) {
    throw new Error(`git fast-import ended with ${String(code)}`);
  }
  execFileSync('git', ['repack', '-a', '-d', '--quiet'], options);
}

function* history(): Generator<string> {
  const random = createRandom();
  const line = createLines(random);
  const commits = Array.from({ length: COMMITS }, (_, n) =>
    n === 0
      ? Array.from({ length: FILES }, (_file, file) => file)
      : [...new Set(Array.from({ length: CHANGES }, () => random(FILES)))],
  );
  const commitsOf = Array.from({ length: FILES }, (): number[] => []);
  for (const [n, files] of commits.entries()) {
    for (const file of files) {
      commitsOf[file]?.push(n);
    }
  }

  const markOf = new Map<string, number>();
  for (const [file, at] of commitsOf.entries()) {
    // Something too short to make a delta against: no file is stored as a change to another one.
    yield `blob\ndata ${String(file).length}\n${file}\n`;
    const length = Math.floor(LINES * (0.2 + random(1_600) / 1_000));
    const lines = Array.from({ length }, line);
    for (const commit of at.toReversed()) {
      const content = lines.join('\n');
      markOf.set(`${commit} ${file}`, markOf.size + 1);
      yield `blob\nmark :${markOf.size}\ndata ${content.length}\n${content}\n`;
      for (let hunk = 0; hunk < HUNKS; hunk += 1) {
        const added = Array.from({ length: random(12) }, line);
        lines.splice(random(lines.length), random(12), ...added);
      }
    }
  }
  for (const [n, files] of commits.entries()) {
    const message = `Change ${n}`;
    const head = `commit refs/heads/main\ncommitter Bench <bench@localhost> ${1_700_000_000 + n * 600} +0000`;
    const changes = files.map((file) => `M 100644 :${markOf.get(`${n} ${file}`)} ${pathOf(file)}`);
    yield `${head}\ndata ${message.length}\n${message}\n${changes.join('\n')}\n\n`;
  }
}

function pathOf(file: number): string {
  return `packages/p${file % 20}/src/m${Math.floor(file / 20) % 20}/file-${file}.ts`;
}

const SYLLABLES =
  're con fig val ue get set job run ner state list map item data type name path file node tree key id to from of is has err or'.split(
    ' ',
  );

/** Answers lines of something that looks like a program, the frequent words often. */
function createLines(random: (below: number) => number): () => string {
  const pick = (from: readonly string[]): string => from[random(from.length)] ?? '';
  const words = Array.from({ length: 4_000 }, () =>
    Array.from({ length: 1 + random(3) }, () => pick(SYLLABLES)).join(''),
  );
  const word = (): string => words[random(random(words.length) + 1)] ?? '';
  const forms = [
    () => `  const ${word()} = await ${word()}(${word()}, ${word()});`,
    () => `  if (${word()}.${word()} === ${random(1_000)}) {`,
    () => '  }',
    () => `    return ${word()}.${word()}((${word()}) => ${word()});`,
    () => `import { ${word()}, ${word()} } from './${word()}.ts';`,
    () => `  // ${word()} ${word()} ${word()} ${word()} ${word()}`,
    () => '',
    () => `export function ${word()}(${word()}: ${word()}): ${word()} {`,
  ];
  const lines = Array.from({ length: 20_000 }, () => forms[random(forms.length)]?.() ?? '');
  return () => pick(lines);
}

/** Numerical Recipes' generator: the same repository on every machine. */
function createRandom(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
