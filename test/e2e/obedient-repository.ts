import type { Files } from './machine.ts';

/** The lines with which a task asks for a merge request, after it changed something. */
export const MERGE_REQUEST = `echo '{"type":"merge_request","title":"Say it","description":"As told."}' >> "$AUTODEV_OUTPUTS"`;
/** A task that changes a file and asks for a merge request. */
export const CHANGE = `echo two >> src/one.txt; ${MERGE_REQUEST}`;
/** A task that finds nothing to do. */
export const NOOP = `echo '{"type":"noop","reason":"Nothing to do."}' >> "$AUTODEV_OUTPUTS"`;

/** `config` goes to the builder, in YAML's flow style. */
export function obedientConfig(config = 'concurrency: 4, limits: { attempts: 1 }'): string {
  return [
    'version: 1',
    'agents:',
    '  builder: {',
    `    ${config}, max_open_merge_requests: 20,`,
    '    providers: [{ name: command, run: [node, .autodev/obey.mjs], llm: false }],',
    '    allow: { merge_request: { max: 1 } } }',
    '',
  ].join('\n');
}

/** A repository whose builder does what its task says: the task is a shell script. */
export function obedientFiles(config?: string): Files {
  return {
    'autodev.yaml': obedientConfig(config),
    '.autodev/obey.mjs': OBEY,
    'src/one.txt': 'one\n',
  };
}

const OBEY = `import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { task } = JSON.parse(readFileSync(process.env.AUTODEV_TASK_FILE, 'utf8'));
const { status } = spawnSync('sh', ['-c', task], { stdio: 'inherit' });
process.exitCode = status ?? 1;
`;
