import type { RefTrace } from '../../db/views/trace-ref.ts';
import { TRACE_REF_FORMS, parseTraceRef } from '../../domain/trace-ref.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { plain } from '../output.ts';
import { pickNamedRepo, pickRepo } from '../pick-repo.ts';
import { tracePage } from '../trace-page.ts';

export const define: Define = (command, act) => {
  command
    .argument('<id>', TRACE_REF_FORMS)
    .option(
      '--repo <repo>',
      'in this repository (id, path or folder), where several could be meant',
    )
    .addHelpText(
      'after',
      examples(
        ['who asked for it, who agreed, what it cost', 'autodev trace j_12'],
        ['which job brought a commit', 'autodev trace 4f2a91c'],
        [
          'who last changed a line of the file in force, and what it caused',
          'autodev trace autodev.yaml:12',
        ],
        ['a merge request', "autodev trace '!3' --repo group/app"],
      ),
    )
    .action(act(showTrace));
};

async function showTrace(
  { connect, output, cwd }: Context,
  id: string,
  { repo: name }: { repo?: string },
): Promise<void> {
  const ref = parseTraceRef(id);
  if (ref === undefined) {
    throw new AppError('USAGE', `${plain(id)} cannot be traced`, {
      remedy: `name ${TRACE_REF_FORMS}`,
    });
  }
  const api = await connect();
  const repo =
    ref.kind === 'line'
      ? await pickRepo(api, { name, cwd })
      : await pickNamedRepo(api, { name, cwd });
  const trace = await api.get<RefTrace>('/trace', { ref: id, repo: repo?.id });
  output.answer(trace, () => tracePage(output, trace));
}
