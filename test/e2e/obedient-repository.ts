import type { Files } from './machine.ts';

/** The lines with which a task asks for a merge request, after it changed something. */
export const MERGE_REQUEST = `echo '{"type":"merge_request","title":"Say it","description":"As told."}' >> "$AUTODEV_OUTPUTS"`;
/** A task that changes a file and asks for a merge request. */
export const CHANGE = `echo two >> src/one.txt; ${MERGE_REQUEST}`;
/** A task that finds nothing to do. */
export const NOOP = `echo '{"type":"noop","reason":"Nothing to do."}' >> "$AUTODEV_OUTPUTS"`;

interface ObedientOptions {
  /** Settings of each agent, in YAML's flow style. */
  readonly config?: string;
  readonly agents?: readonly string[];
}

/** The autodev.yaml of agents that do what their task says. */
export function obedientConfig({
  config = 'concurrency: 4, limits: { attempts: 1 }',
  agents = ['builder'],
}: ObedientOptions = {}): string {
  return [
    'version: 1',
    'agents:',
    ...agents.flatMap((agent) => [
      `  ${agent}: {`,
      `    ${config}, max_open_merge_requests: 20,`,
      '    providers: [{ name: command, run: [node, .autodev/obey.mjs], llm: false }],',
      '    allow: { merge_request: { max: 1 } } }',
    ]),
    '',
  ].join('\n');
}

/** The files of a repository whose agents do what their task says: the task is a shell script. */
export function obedientFiles(options?: ObedientOptions): Files {
  return {
    'autodev.yaml': obedientConfig(options),
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
