import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface AgentRun {
  readonly code: number;
  /** What the agent printed. */
  readonly transcript: string;
  readonly outputs: readonly Readonly<Record<string, unknown>>[];
}

/**
 * Runs a script as a `command` agent: in the workspace, with a fresh HOME and only the two variables of
 * the contract. `scratch` is a folder for the files of the attempt; the caller removes it.
 */
export async function runScript(
  script: string,
  {
    workspace,
    scratch,
    task,
  }: {
    readonly workspace: string;
    readonly scratch: string;
    readonly task: Readonly<Record<string, unknown>>;
  },
): Promise<AgentRun> {
  const folder = await mkdtemp(join(scratch, 'attempt-'));
  const home = join(folder, 'home');
  const taskFile = join(folder, 'task.json');
  const outputsFile = join(folder, 'outputs.jsonl');
  const frame = {
    job: 'j_1',
    repo: 'demo',
    base: '0'.repeat(40),
    instructions: '',
    memory: [],
    subject: null,
  };
  await mkdir(home);
  await writeFile(outputsFile, '');
  await writeFile(
    taskFile,
    JSON.stringify({ ...frame, trigger: 'first', role: task['agent'], ...task }),
  );

  const { code, transcript } = await runNode([script], {
    cwd: workspace,
    env: { HOME: home, AUTODEV_TASK_FILE: taskFile, AUTODEV_OUTPUTS: outputsFile },
  });

  const lines = (await readFile(outputsFile, 'utf8')).split('\n').filter((line) => line !== '');
  return { code, transcript, outputs: lines.map(parseObject) };
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`not an object: ${line}`);
  }
  return Object.fromEntries(Object.entries(value));
}

/** Runs node to its end, without anything of this process's environment. */
export function runNode(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<{ readonly code: number; readonly transcript: string }> {
  const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...args],
      { cwd, env: { PATH: path, ...env } },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, transcript: stdout + stderr });
      },
    );
  });
}
