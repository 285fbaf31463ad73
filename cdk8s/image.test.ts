import { access, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { validate, ValidationSeverity } from 'dockerfile-utils';
import { execa } from 'execa';
import { beforeAll, afterAll, expect } from 'vitest';

import { test } from '../test/database.ts';
import { missingEntries } from '../test/gates/complete-lock.ts';
import { APP_UID, WORKER_UID } from './workload.ts';

const ROOT = path.join(import.meta.dirname, '..');
const dockerfile = await readFile(path.join(ROOT, 'Dockerfile'), 'utf8');
const ignored = await readFile(path.join(ROOT, '.dockerignore'), 'utf8');
const stages = dockerfile.split(/^(?=FROM )/m);
/** What the last stage takes from this folder. */
const copied = (stages.at(-1) ?? '')
  .split('\n')
  .flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []);

let image: string;
beforeAll(async () => {
  image = await mkdtemp(path.join(tmpdir(), 'auto-dev-image-'));
  await layOut(image);
});
afterAll(() => rm(image, { recursive: true, force: true }));

test('the Dockerfile has no syntax error and no name that means nothing', () => {
  const problems = validate(dockerfile, { deprecatedMaintainer: ValidationSeverity.ERROR });

  expect(problems).toEqual([]);
});

test('everything that it copies is there and gets through .dockerignore', async () => {
  const all = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  );
  const allowed = new Set([...ignored.matchAll(/^!(\S+)$/gm)].map(([, name = '']) => name));

  for (const source of all) {
    await access(path.join(ROOT, source));
  }
  expect(all.filter((source) => !allowed.has(source.split('/')[0] ?? ''))).toEqual([]);
  expect(ignored).toMatch(/^\*$/m);
});

test('the base is given by digest from outside, and nothing in it is a tag', () => {
  expect(stages.slice(1).map((stage) => /^FROM (\S+)/.exec(stage)?.[1])).toEqual([
    '${NODE_IMAGE}',
    'base',
    'base',
    'base',
  ]);
});

test('the accounts are those of the manifests, and no process is root', () => {
  expect(dockerfile).toContain(`useradd --uid ${APP_UID} `);
  expect(dockerfile).toContain(`useradd --uid ${WORKER_UID} `);
  expect([...dockerfile.matchAll(/^USER (.+)$/gm)].map(([, user]) => user)).toEqual([
    `${APP_UID}:${APP_UID}`,
  ]);
});

test('the lock file of the model programs has every platform and names no host', async () => {
  const text = await readFile(path.join(ROOT, 'docker/clis/package-lock.json'), 'utf8');

  expect([...missingEntries(JSON.parse(text)).keys()]).toEqual([]);
  expect(text).not.toContain('"resolved"');
});

test('with what the image holds and nothing else, the product answers', async () => {
  const { stdout } = await execa(process.execPath, ['bin/autodev.js', '--version'], {
    cwd: image,
    env: { PATH: process.env['PATH'] ?? '' },
    extendEnv: false,
  });

  expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
});

test.for(['reconciler', 'scheduler', 'orchestrator', 'dashboard', 'runner'])(
  'with what the image holds and nothing else, %s starts, and ends when it is asked to',
  async (name, { connection }) => {
    const child = execa(process.execPath, ['bin/autodev.js', name], {
      cwd: image,
      env: {
        PATH: process.env['PATH'] ?? '',
        DATABASE_URL: connection,
        AUTODEV_DATA: path.join(image, `data-${name}`),
        AUTODEV_PORT: '0',
      },
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      buffer: { stderr: true, stdout: false },
    });
    const started = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.includes('"msg":"started"')) {
          resolve();
        }
      });
    });
    await Promise.race([started, child]);

    child.kill('SIGTERM');
    const { exitCode, stderr } = await child;

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  },
);

/** The files of the last stage, and the packages that production has, linked: nothing else can be reached. */
async function layOut(folder: string): Promise<void> {
  const outside = [...ignored.matchAll(/^\*\*\/\*(\S+)$/gm)].map(([, ending = '']) => ending);
  for (const source of copied) {
    await cp(path.join(ROOT, source), path.join(folder, source), {
      recursive: true,
      filter: (file) => !outside.some((ending) => file.endsWith(ending)),
    });
  }
  const removed = /rm -rf (.*)$/m.exec(stages[2] ?? '')?.[1]?.split(' ') ?? [];
  for (const location of await productionPackages()) {
    if (!removed.some((gone) => location === gone || location.startsWith(`${gone}/`))) {
      const parent = path.join(folder, path.dirname(location));
      await mkdir(parent, { recursive: true });
      await execa('cp', ['-al', path.join(ROOT, location), parent]);
    }
  }
}

/** Those at the top, as the nested ones come with them. */
async function productionPackages(): Promise<string[]> {
  const lock: { packages: Record<string, { dev?: boolean; devOptional?: boolean }> } = JSON.parse(
    await readFile(path.join(ROOT, 'package-lock.json'), 'utf8'),
  );
  const top = Object.entries(lock.packages)
    .filter(
      ([location, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(location) && dev !== true,
    )
    .map(([location]) => location);
  const there = await Promise.all(
    top.map((location) =>
      access(path.join(ROOT, location)).then(
        () => [location],
        () => [],
      ),
    ),
  );
  return there.flat();
}
