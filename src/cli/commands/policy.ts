import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { formatDiagnostics } from '../../config/formats.ts';
import { effectivePolicy, explainPolicy, loadPolicy } from '../../config/policy.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { oneLine, plain } from '../output.ts';
import { policyTable } from '../policy-table.ts';

export const define: Define = (command, act) => {
  command
    .argument('<verb>', 'test')
    .argument('[repos...]', 'paths of repositories, registered or not')
    .requiredOption('--file <file>', 'the policy file')
    .addHelpText(
      'after',
      examples(
        ['is it valid? 0 yes, 3 no', 'autodev policy test --file policy.yaml'],
        ['what it grants', 'autodev policy test --file policy.yaml group/app group/infra'],
      ),
    )
    .action(act(testPolicy));
};

async function testPolicy(
  { output, cwd }: Context,
  verb: string,
  repos: string[],
  { file }: { file: string },
): Promise<number> {
  if (verb !== 'test') {
    throw new AppError('USAGE', `policy has no verb ${plain(verb)}`, {
      remedy: 'use `autodev policy test --file FILE [REPO…]`',
    });
  }
  const source = await readFile(path.resolve(cwd, file)).catch((cause: unknown) => {
    throw new AppError('USAGE', `${file} cannot be read`, { cause });
  });
  const result = loadPolicy(source, file);
  const grants = result.ok
    ? repos.map((repo) => ({
        repo,
        policy: explainPolicy(effectivePolicy(result.policy, repo)).map((said) => ({
          ...said,
          origin: said.origin ?? null,
        })),
      }))
    : [];

  output.answer({ valid: result.ok, diagnostics: result.diagnostics, repos: grants }, () =>
    [
      formatDiagnostics(result.diagnostics, { format: 'text', file }).trimEnd(),
      ...(result.ok ? [`${output.paint('green', '✔')} ${oneLine(file)} is valid`] : []),
      ...grants.map(
        ({ repo, policy }) =>
          `\n${output.paint('bold', oneLine(repo))}\n${policyTable(output, policy)}`,
      ),
    ]
      .filter(Boolean)
      .join('\n'),
  );
  return result.ok ? 0 : 3;
}
