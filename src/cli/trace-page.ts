import type { Trace } from '../db/views/trace.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';
import { fieldList, textTable } from './text-table.ts';
import { stateWord, triggerWord, usdWord } from './words.ts';

/** From a job back to the line and the person, and on to the merge. */
export function tracePage(output: Output, trace: Trace): string {
  const { config, merge_request: mergeRequest, gates, cost } = trace;
  const line = config?.line ?? null;
  const votes = gates.flatMap((gate) =>
    gate.votes.map(
      (vote) => `${vote.voter} ${vote.verdict} ${gate.id}${vote.self ? ' (self)' : ''}`,
    ),
  );
  const fields = fieldList([
    ['began with', `${trace.root.id}: ${triggerWord(trace.root)}`],
    ['actor', oneLine(trace.actor)],
    [
      'config',
      config &&
        oneLine(
          `${config.commit.slice(0, 12)} autodev.yaml${line === null ? '' : `:${line}`} ${config.subject ?? ''}`,
        ),
    ],
    ['committed by', config?.author === null || config === null ? null : oneLine(config.author)],
    ['votes', votes.map(oneLine).join(', ')],
    [
      'merge request',
      mergeRequest &&
        oneLine(`!${mergeRequest.number} ${mergeRequest.branch} (${mergeRequest.state})`),
    ],
    ['merged', mergeRequest?.merged_commit ?? null],
    ['merged by', mergeRequest?.merged_by ?? null],
    ['cost', `${usdWord(cost.usd)}, ${cost.tokens} tokens, ${cost.jobs} jobs`],
  ]);
  const chain = textTable(
    ['JOB', 'AGENT', 'STATE', 'STARTED BY', 'COST', 'TITLE'],
    trace.chain.map((job) => [
      job.id,
      job.agent,
      stateWord(output, job),
      triggerWord(job),
      usdWord(job.cost.usd),
      oneLine(job.title),
    ]),
    output,
  );
  return `${fields}\n\n${chain}`;
}
