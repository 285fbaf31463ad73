import type { Gate } from '../db/views/gate-list.ts';
import type { Job } from '../db/views/job-list.ts';
import type { RevisionTrace } from '../db/views/revision-trace.ts';
import type { RefTrace } from '../db/views/trace-ref.ts';
import type { Trace } from '../db/views/trace.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';
import { fieldList, textTable } from './text-table.ts';
import { stateWord, triggerWord, usdWord } from './words.ts';

type Fields = (readonly [string, string | null])[];

/** From a job, commit or line back to the person, and on to the votes, the merge and the cost. */
export function tracePage(output: Output, trace: RefTrace): string {
  const { job, object, commit, revision, jobs, gates } = trace;
  const fields = fieldList([
    ['commit', trace.kind === 'commit' ? commit : null],
    ...(object === null
      ? []
      : ([
          ['object', oneLine(`${object.kind} ${object.name} (autodev.yaml:${object.line})`)],
        ] as const)),
    ...(revision === null ? [] : revisionFields(revision, { isLine: object !== null })),
    ...(job === null ? [] : jobFields(job)),
    ['votes', votesOf(gates)],
    ['cost', costOf(job, jobs)],
  ]);
  return jobs.length === 0
    ? `${fields}\n\nNo jobs came of it.`
    : `${fields}\n\n${jobTable(output, jobs)}`;
}

function revisionFields(revision: RevisionTrace, { isLine }: { isLine: boolean }): Fields {
  const { commit, subject, author, in_force: inForce, state, changes } = revision;
  return [
    [
      isLine ? 'last changed' : 'autodev.yaml',
      oneLine(`${commit.slice(0, 12)} ${subject} (${inForce ? 'in force' : state})`),
    ],
    ['committed by', oneLine(author)],
    [
      'it changed',
      changes
        .map(({ action, kind, name, paths }) =>
          oneLine(`${action} ${kind} ${name}${paths.length === 0 ? '' : ` (${paths.join(', ')})`}`),
        )
        .join('; ') || null,
    ],
  ];
}

function jobFields({ job, root, actor, config, merge_request: request }: Trace): Fields {
  const line = config?.line ?? null;
  return [
    ['job', oneLine(`${job.id}: ${job.title}`)],
    ['began with', `${root.id}: ${triggerWord(root)}`],
    ['actor', oneLine(actor)],
    [
      'config',
      config &&
        oneLine(
          `${config.commit.slice(0, 12)} autodev.yaml${line === null ? '' : `:${line}`} ${config.subject ?? ''}`,
        ),
    ],
    ['config by', config?.author === null || config === null ? null : oneLine(config.author)],
    [
      'merge request',
      request && oneLine(`!${request.number} ${request.branch} (${request.state})`),
    ],
    ['merged', request?.merged_commit ?? null],
    ['merged by', request?.merged_by ?? null],
  ];
}

function votesOf(gates: readonly Gate[]): string {
  const votes = gates.flatMap((gate) =>
    gate.votes.map((one) =>
      oneLine(`${one.voter} ${one.verdict} ${gate.id}${one.self ? ' (self)' : ''}`),
    ),
  );
  return votes.join(', ');
}

/** Of the whole chain where there is one, else of the jobs that are shown. */
function costOf(job: Trace | null, jobs: readonly Job[]): string {
  const {
    usd,
    tokens,
    jobs: count,
  } = job?.cost ?? {
    usd: jobs.reduce((sum, { cost }) => sum + cost.usd, 0),
    tokens: jobs.reduce((sum, { cost }) => sum + cost.tokens, 0),
    jobs: jobs.length,
  };
  return `${usdWord(usd)}, ${tokens} tokens, ${count} ${count === 1 ? 'job' : 'jobs'}`;
}

function jobTable(output: Output, jobs: readonly Job[]): string {
  return textTable(
    ['JOB', 'AGENT', 'STATE', 'STARTED BY', 'COST', 'TITLE'],
    jobs.map((job) => [
      job.id,
      job.agent,
      stateWord(output, job),
      triggerWord(job),
      usdWord(job.cost.usd),
      oneLine(job.title),
    ]),
    output,
  );
}
