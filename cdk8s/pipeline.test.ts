import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';

import { buildManifests } from './build.ts';
import { environmentOf, WITH_EVERYTHING } from './checks/environment-fixture.ts';
import { at, isRecord, listAt, textAt } from './checks/look.ts';

const ROOT = path.join(import.meta.dirname, '..');
const text = await readFile(path.join(ROOT, '.gitlab-ci.yml'), 'utf8');
const pipeline: unknown = parse(text, {
  merge: true,
  customTags: [{ tag: '!reference', collection: 'seq' }],
});
const manifest: unknown = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));

test("the pipeline is what GitLab's schema says, and has these jobs", async () => {
  const jobs = await jobsOf({ '.gitlab-ci.yml': withoutTemplates(text) });

  expect(jobs).toEqual([
    'build',
    'check',
    'deploy dev',
    'deploy prod',
    'diff',
    'diff note',
    'kube-linter',
    'kubeconform',
    'rollback prod',
    'sign',
    'synth dev',
    'synth prod',
    'test',
  ]);
});

test('a mistake in it would be found', async () => {
  const broken = withoutTemplates(text).replace(
    'retry: { max: 2,',
    'retry: { max: 2, often: true,',
  );

  await expect(jobsOf({ '.gitlab-ci.yml': broken })).rejects.toThrow(/often/);
});

test('the component for other repositories is valid, and needs nothing but the image', async () => {
  const component = await readFile(path.join(ROOT, 'templates/validate.yml'), 'utf8');
  const user =
    "include:\n  - local: templates/validate.yml\n    inputs: { image: 'registry.example.com/app@sha256:0' }\n";

  const jobs = await jobsOf({
    '.gitlab-ci.yml': `stages: [test]\n${user}`,
    'templates/validate.yml': component,
  });

  expect(jobs).toEqual(['autodev-validate']);
});

test('every npm script, file and environment that it names is there', async () => {
  const scripts = allScripts().join('\n');
  const named = [...scripts.matchAll(/npm run (?:-s )?([a-z:]+)/g)].map(([, name = '']) => name);
  const files = [...scripts.matchAll(/node (cdk8s\/\S+)/g)].map(([, file = '']) => file);
  const environments = Object.values(isRecord(pipeline) ? pipeline : {}).flatMap(
    (job) => textAt(job, 'variables.ENVIRONMENT') ?? [],
  );

  expect(named.filter((name) => at(manifest, `scripts.${name}`) === undefined)).toEqual([]);
  expect(named).toContain('synth');
  for (const file of [...files, ...environments.map((name) => `cdk8s/env/${name}.yaml`)]) {
    await readFile(path.join(ROOT, file));
  }
});

test('what is applied is every file that is written, in its order', () => {
  const script = listAt(isRecord(pipeline) ? pipeline['.deploy'] : {}, 'script').map(String);
  const order = script.flatMap((line) => /apply "\$folder\/([^"]+)\.yaml"/.exec(line)?.[1] ?? []);
  const written = buildManifests(environmentOf('prod', ...WITH_EVERYTHING)).map(({ name }) => name);

  expect(order).toEqual(written);
  expect(script.findIndex((line) => line.includes('wait externalsecret'))).toBeLessThan(
    script.findIndex((line) => line.includes('40-data')),
  );
  expect(script.findIndex((line) => line.includes('wait "$migration"'))).toBeLessThan(
    script.findIndex((line) => line.includes('60-apps')),
  );
});

test('what the scripts cut out of the manifests is there to be cut out', async () => {
  const environment = environmentOf('prod');
  const folder = await scratch();
  const { manifestText } = await import('./build.ts');
  for (const file of buildManifests(environment)) {
    await writeFile(path.join(folder, `${file.name}.yaml`), manifestText(file, environment));
  }
  const cuts = listAt(isRecord(pipeline) ? pipeline['.deploy'] : {}, 'script')
    .map(String)
    .filter((line) => /^(namespace|migration)=/.test(line));

  const { stdout } = await execa('sh', [
    '-c',
    `folder=${folder}\n${cuts.join('\n')}\necho "$namespace $migration"`,
  ]);

  expect(stdout).toBe('auto-dev job/migrate-000000000000');
});

test('each script is one that a shell can read', async () => {
  for (const script of allScripts()) {
    const { stderr } = await execa('sh', ['-n', '-c', script], { reject: false });
    expect(stderr).toBe('');
  }
});

test('the Node of the pipeline is the one that the product runs on', () => {
  const version = textAt(manifest, 'optionalDependencies.node');

  expect(textAt(pipeline, 'variables.NODE_IMAGE')).toMatch(new RegExp(`^node:${version}-`));
});

test('a digest is cut out of what BuildKit says of an image', async () => {
  const folder = await scratch();
  const digest = `sha256:${'a1'.repeat(32)}`;
  await writeFile(
    path.join(folder, 'meta.json'),
    JSON.stringify({ 'buildx.build.ref': 'x', 'containerimage.digest': digest }, null, 2),
  );
  const lines = listAt(isRecord(pipeline) ? pipeline['build'] : {}, 'script')
    .map(String)
    .slice(1);

  const { stdout } = await execa('sh', ['-ec', lines.join('\n')], {
    cwd: folder,
    env: { CI_REGISTRY_IMAGE: 'registry.example.com/auto-dev' },
  });

  expect(stdout).toBe(`APP_IMAGE=registry.example.com/auto-dev/app@${digest}`);
});

test('what a merge request would change is said in it, whatever the text holds', async () => {
  const folder = await scratch();
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request
      .setEncoding('utf8')
      .on('data', (chunk: string) =>
        bodies.push(`${request.url} ${request.headers['private-token']?.toString()} ${chunk}`),
      );
    request.on('end', () => response.writeHead(201).end('{}'));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await writeFile(path.join(folder, 'diff.txt'), '+ image: new\n```\n@everyone');

  await execa(
    process.execPath,
    [path.join(ROOT, 'cdk8s/post-diff-note.ts'), path.join(folder, 'diff.txt')],
    {
      env: {
        CI_API_V4_URL: `http://127.0.0.1:${port}`,
        CI_PROJECT_ID: '7',
        CI_MERGE_REQUEST_IID: '3',
        NOTE_TOKEN: 'token',
      },
    },
  );

  expect(bodies.join('')).toMatch(/^\/projects\/7\/merge_requests\/3\/notes token /);
  expect(bodies.join('')).toContain('````diff\\n+ image: new\\n```\\n@everyone\\n````');
});

/** Templates of GitLab come from GitLab: there is none here. */
function withoutTemplates(source: string): string {
  return source
    .replace(/^include:\n {2}- template: .*\n/m, '')
    .replace(/^secret_detection:\n {2}stage: .*\n/m, '');
}

function allScripts(): string[] {
  return Object.values(isRecord(pipeline) ? pipeline : {}).flatMap((job) =>
    ['before_script', 'script'].flatMap((field) =>
      listAt(job, field).filter((line): line is string => typeof line === 'string'),
    ),
  );
}

async function scratch(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auto-dev-pipeline-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Has the pipeline read by gitlab-ci-local, which holds it against GitLab's own schema. */
async function jobsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = await scratch();
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await execa('mkdir', ['-p', path.dirname(file)]);
    await writeFile(file, content);
  }
  const git = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
  await execa('git', ['init', '--quiet', '--initial-branch=main', folder]);
  await execa('git', [
    '-C',
    folder,
    'remote',
    'add',
    'origin',
    'git@gitlab.example.com:group/project.git',
  ]);
  await execa('git', ['-C', folder, 'add', '.']);
  await execa('git', ['-C', folder, ...git, 'commit', '--quiet', '--message=test']);
  const { stdout } = await execa('gitlab-ci-local', ['--list-json'], {
    preferLocal: true,
    localDir: ROOT,
    cwd: folder,
    env: { FORCE_COLOR: '0', HOME: folder },
  });
  const jobs: { name: string }[] = JSON.parse(stdout);
  return jobs.map(({ name }) => name).sort();
}
