import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { Option } from 'commander';

import { checkConfig } from '../../config/check-config.ts';
import { CONFIG_FILE } from '../../config/config-file.ts';
import type { DiagnosticFormat } from '../../config/formats.ts';
import { DIAGNOSTIC_FORMATS, formatDiagnostics } from '../../config/formats.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { readRepositoryFile } from '../repository-file.ts';

interface Options {
  format?: DiagnosticFormat;
  resolved?: true;
}

export const define: Define = (command, act) => {
  command
    .argument('[file]', 'the file', CONFIG_FILE)
    .addOption(new Option('--format <format>', 'of the findings').choices(DIAGNOSTIC_FORMATS))
    .option('--resolved', 'print it with every default filled in')
    .addHelpText(
      'after',
      examples(
        ['before you commit; 0 valid, 3 invalid', 'autodev validate'],
        ['what it means, with every default', 'autodev validate --resolved'],
        [
          "for GitLab's code quality report",
          'autodev validate --format gitlab-codequality > gl.json',
        ],
      ),
    )
    .action(act(validate));
};

async function validate(
  { output, cwd, stdout }: Context,
  file: string,
  { format = output.isJson ? 'json' : 'text', resolved }: Options,
): Promise<number> {
  const place = path.resolve(cwd, file);
  const loaded = await checkConfig(await read(place, file), {
    readFile: (name) => readRepositoryFile(path.dirname(place), name),
  });
  const findings = formatDiagnostics(loaded.diagnostics, { format, file });

  if (resolved === true && loaded.ok) {
    output.warn(loaded.diagnostics.length === 0 ? '' : findings);
    const { printResolved, toFile } = await import('../../config/print.ts');
    stdout.write(
      output.isJson
        ? `${JSON.stringify(toFile(loaded.spec), undefined, 2)}\n`
        : printResolved(loaded.spec),
    );
    return 0;
  }
  stdout.write(findings);
  if (format === 'text' && loaded.ok) {
    const { agents, schedules, triggers } = loaded.spec;
    const counts = [
      `${Object.keys(agents).length} agents`,
      `${Object.keys(schedules).length} schedules`,
      `${Object.keys(triggers).length} triggers`,
    ];
    output.say(`${output.paint('green', '✔')} ${file} is valid: ${counts.join(', ')}`);
  }
  return loaded.ok ? 0 : 3;
}

async function read(place: string, file: string): Promise<Buffer> {
  try {
    return await readFile(place);
  } catch (error) {
    throw new AppError('USAGE', `${file} cannot be read`, {
      cause: error,
      remedy: '`autodev init` writes a first one',
    });
  }
}
