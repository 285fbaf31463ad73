import type { Agent } from '../domain/agent.ts';

/** What every process is started with. */
export interface ProcessOptions {
  /** The data directory as it was given; undefined: AUTODEV_DATA, or `.autodev-data` here. */
  dataDir: string | undefined;
  cwd: string;
  env: NodeJS.ProcessEnv;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  json: boolean;
  /** Aborts at SIGINT and SIGTERM. */
  signal: AbortSignal;
}

export interface UpOptions extends ProcessOptions {
  /** Local repositories to work on; none: the demo, or those that are registered. */
  repos: string[];
  port: number | undefined;
  host: string | undefined;
  unsafeNoSandbox: boolean;
}

interface RunnerOptions extends ProcessOptions {
  /** Empty: every one of the eight. */
  agents: Agent[];
  slots: number | undefined;
}

type Process<Options = ProcessOptions> = (options: Options) => Promise<number>;

/**
 * The parts that only `main/` can put together; it hands them to the command line, each behind an import of its
 * own. Each resolves with an exit code when it has ended.
 */
export interface Processes {
  up: Process<UpOptions>;
  migrate: Process;
  doctor: Process;
  reconciler: Process;
  scheduler: Process;
  orchestrator: Process;
  dashboard: Process;
  webhook: Process;
  runner: Process<RunnerOptions>;
}
