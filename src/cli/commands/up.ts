import type { Define } from '../context.ts';
import { examples } from '../context.ts';
import { wholeNumber } from '../parse-arguments.ts';
import { processOptions } from '../process-command.ts';

interface Options {
  repo: string[];
  port?: number;
  host?: string;
  unsafeNoSandbox?: true;
}

export const define: Define = (command, act) => {
  command
    .option(
      '--repo <path>',
      'a local git repository with an autodev.yaml; may be repeated',
      add,
      [],
    )
    .option(
      '--port <n>',
      'of the API and dashboard (AUTODEV_PORT, 8080)',
      wholeNumber({ min: 0, max: 65_535 }),
    )
    .option('--host <host>', 'to listen on (AUTODEV_HOST, 127.0.0.1)')
    .option('--unsafe-no-sandbox', 'run workers without a sandbox, for this start')
    .addHelpText(
      'after',
      examples(
        ['the demo', 'autodev up'],
        ['your own repository', 'autodev up --repo ~/src/app --port 8090'],
      ),
    )
    .action(
      act((context, { repo, port, host, unsafeNoSandbox }: Options) =>
        context.processes.up({
          ...processOptions(context),
          repos: repo,
          port,
          host,
          unsafeNoSandbox: unsafeNoSandbox === true,
        }),
      ),
    );
};

function add(value: string, values: string[]): string[] {
  return [...values, value];
}
