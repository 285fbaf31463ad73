import { access, readFile } from 'node:fs/promises';
import path from 'node:path';

interface Tests {
  /** Shell commands that a fresh checkout needs first. */
  setup: string[];
  check: string;
}

/** What a file at the top of a repository says about how it is tested; the first that fits wins. */
const SIGNS: readonly (readonly [file: string, tests: Tests])[] = [
  ['Cargo.toml', { setup: [], check: 'cargo test' }],
  ['go.mod', { setup: [], check: 'go test ./...' }],
  ['pom.xml', { setup: [], check: 'mvn -q test' }],
  ['gradlew', { setup: [], check: './gradlew test' }],
  ['mix.exs', { setup: ['mix deps.get'], check: 'mix test' }],
  ['pytest.ini', { setup: [], check: 'python3 -m pytest -q' }],
  ['pyproject.toml', { setup: [], check: 'python3 -m pytest -q' }],
  ['Gemfile', { setup: ['bundle install'], check: 'bundle exec rake test' }],
];

/** How the repository at `root` is tested; undefined where nothing says so. */
export async function detectTests(root: string): Promise<Tests | undefined> {
  const npm = await detectNpm(root);
  if (npm !== undefined) {
    return npm;
  }
  for (const [file, tests] of SIGNS) {
    if (await exists(path.join(root, file))) {
      return tests;
    }
  }
  const makefile = await readFile(path.join(root, 'Makefile'), 'utf8').catch(() => '');
  return /^test:/m.test(makefile) ? { setup: [], check: 'make test' } : undefined;
}

async function detectNpm(root: string): Promise<Tests | undefined> {
  const text = await readFile(path.join(root, 'package.json'), 'utf8').catch(() => '');
  if (!hasTestScript(text)) {
    return undefined;
  }
  // Without a lock file there may be nothing to install, and `npm ci` would refuse.
  const isLocked = await exists(path.join(root, 'package-lock.json'));
  return { setup: isLocked ? ['npm ci'] : [], check: 'npm test' };
}

/** What `npm init` writes ("no test specified") is no test. */
function hasTestScript(text: string): boolean {
  try {
    const { scripts }: { scripts?: { test?: unknown } } = JSON.parse(text);
    return typeof scripts?.test === 'string' && !scripts.test.includes('no test specified');
  } catch {
    return false;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
