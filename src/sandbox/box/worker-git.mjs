// Runs inside a box without network: makes one commit on the base from the files of a workspace.
// usage: node worker-git.mjs RESULT WORKSPACE MIRROR < request.json
// RESULT is an empty folder that gets `bundle` and, last, `summary.json`; exit 0 means that the summary is there.
// Nothing of the workspace's own git folder is read: git works with a new one in RESULT.
// `variables` and `settings` are what every git of ours gets.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { irregularities } from './irregularities.mjs';

const [result, workspace, mirror] = process.argv.slice(2);
const {
  base,
  message,
  author,
  date,
  variables,
  settings: common,
} = JSON.parse(readFileSync(0, 'utf8'));
const gitDir = join(result, 'git');

const identity = ['AUTHOR', 'COMMITTER'].flatMap((role) => [
  [`GIT_${role}_NAME`, author.name],
  [`GIT_${role}_EMAIL`, author.email],
  [`GIT_${role}_DATE`, date],
]);
const env = {
  PATH: process.env.PATH,
  ...variables,
  GIT_DIR: gitDir,
  GIT_WORK_TREE: workspace,
  ...Object.fromEntries(identity),
};
const settings = [
  ...common,
  'core.bare=false',
  'core.attributesFile=/dev/null',
  'core.excludesFile=/dev/null',
  'core.autocrlf=false',
  'core.symlinks=true',
  'core.fileMode=true',
  'core.bigFileThreshold=32m',
  'diff.ignoreSubmodules=all',
].flatMap((setting) => ['-c', setting]);

/** Runs git and resolves with its stdout, of which at most `maxBytes` are kept; the rest ends the program early. */
function git(args, { input = '', maxBytes = 1 << 20, okCodes = [0] } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...settings, ...args], { env, cwd: workspace });
    const chunks = [];
    let bytes = 0;
    let errors = '';
    child.stdout.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) {
        chunks.push(chunk);
      } else {
        chunks.push(chunk.subarray(0, Math.max(0, chunk.length - (bytes - maxBytes))));
        child.kill('SIGKILL');
      }
    });
    child.stderr.on('data', (chunk) => {
      errors = `${errors}${chunk}`.slice(0, 4000);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => {
      const cut = bytes > maxBytes;
      if (cut || okCodes.includes(code)) {
        resolve({ out: Buffer.concat(chunks), cut });
      } else {
        reject(new Error(`git ${args[0]} ended with ${code}: ${errors.trim()}`));
      }
    });
  });
}

const text = async (args, options) => (await git(args, options)).out.toString().trim();

async function withoutIgnored(found) {
  if (found.length === 0) {
    return [];
  }
  const input = nulList(found.map(({ path }) => path));
  const args = ['check-ignore', '-z', '--stdin'];
  const { out } = await git(args, { input, maxBytes: 1 << 24, okCodes: [0, 1] });
  const ignored = new Set(out.toString('latin1').split('\0'));
  return found.filter(({ path }) => !ignored.has(path.toString('latin1')));
}

function nulList(buffers) {
  return Buffer.concat(buffers.flatMap((each) => [each, Buffer.from([0])]));
}

// A git folder made by hand: there is no template and no configuration that could come along.
for (const folder of ['objects/info', 'objects/pack', 'refs', 'info']) {
  mkdirSync(join(gitDir, folder), { recursive: true });
}
writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
const config =
  base.length === 64
    ? '[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tobjectFormat = sha256\n'
    : '[core]\n\trepositoryFormatVersion = 0\n';
writeFileSync(join(gitDir, 'config'), config);
writeFileSync(join(gitDir, 'objects/info/alternates'), `${join(mirror, 'objects')}\n`);
// Wins over every .gitattributes: no filter, no conversion; what lies in the workspace is what is committed.
writeFileSync(
  join(gitDir, 'info/attributes'),
  '* -filter -text -ident -working-tree-encoding -export-subst\n',
);

await git(['read-tree', base]);
const irregular = await withoutIgnored(irregularities(workspace));
const excluded = irregular.map(({ path }) =>
  Buffer.concat([Buffer.from(':(top,exclude,literal)'), path]),
);
await git(['add', '-A', '--pathspec-from-file=-', '--pathspec-file-nul'], {
  input: nulList([Buffer.from(':(top)'), ...excluded]),
});
const tree = await text(['write-tree']);
const changed = tree !== (await text(['rev-parse', `${base}^{tree}`]));

const summary = { tree, commit: null };
if (changed) {
  summary.commit = await text(['commit-tree', tree, '-p', base, '-F', '-'], { input: message });
  await git(['update-ref', 'refs/heads/result', summary.commit]);
  await git(['bundle', 'create', '-q', join(result, 'bundle'), 'refs/heads/result', `^${base}`]);
}
const shown = irregular.map(({ path, kind }) => ({ path: path.toString('utf8'), kind }));
writeFileSync(join(result, 'summary.json'), JSON.stringify({ ...summary, irregular: shown }));
