import type { Gate } from '../../db/views/gate-list.ts';
import type { Job } from '../../db/views/job-list.ts';
import type { JobReason } from '../../domain/end-reason-text.ts';
import { describeReason, isJobReason } from '../../domain/end-reason-text.ts';
import type { ApiClient } from '../api-client.ts';
import type { Context, Define } from '../context.ts';
import { examples } from '../context.ts';
import { answersTo } from '../gate-page.ts';
import type { Output } from '../output.ts';
import { oneLine } from '../output.ts';
import { jobIdText, wholeNumber } from '../parse-arguments.ts';
import { transcriptLine } from '../transcript-line.ts';
import { followTranscript, readTranscript } from '../transcript.ts';
import { stateWord } from '../words.ts';

interface Options {
  follow?: true;
  attempt?: number;
}

export const define: Define = (command, act) => {
  command
    .argument('<id>', 'the job (j_…)', jobIdText)
    .option('-f, --follow', 'go on until the job is over or waits for you')
    .option('--attempt <n>', 'only this attempt', wholeNumber({ min: 1, max: 1000 }))
    .addHelpText(
      'after',
      examples(
        ['what was said so far', 'autodev logs j_12'],
        ['watch it work', 'autodev logs j_12 -f'],
        ['the record as JSON lines', 'autodev logs j_12 -o json'],
      ),
    )
    .action(act(showLogs));
};

async function showLogs(context: Context, id: string, { follow, attempt }: Options): Promise<void> {
  const { connect, output, stdout } = context;
  const api = await connect();
  let last: number | undefined;
  const show = (line: string, of: number): void => {
    if (!output.isJson && last !== undefined && of !== last) {
      stdout.write(`${output.paint('dim', `── try ${of} ──`)}\n`);
    }
    last = of;
    stdout.write(`${output.isJson ? line : transcriptLine(output, line)}\n`);
  };

  if (follow !== true) {
    await readTranscript(api, { id, attempt }, show);
    return;
  }
  const job = await followTranscript(context, api, { id, attempt }, show);
  output.warn(await endingOf(api, output, job));
}

/** Why nothing more comes, and what it waits for where people are next. */
async function endingOf(api: ApiClient, output: Output, job: Job): Promise<string> {
  const { id, reason, detail } = job;
  const { gates } = await api.get<{ gates: Gate[] }>('/gates', { job: id, state: 'open' });
  const because = detail ?? (reason !== null && isJobReason(reason) ? sentenceOf(reason) : null);
  return [
    `${id} ${stateWord(output, job)}${because === null ? '' : `: ${oneLine(because)}`}`,
    ...gates.map((gate) => `  ${gate.id} ${oneLine(gate.title)}\n    ${answersTo(gate)}`),
  ].join('\n');
}

const sentenceOf = (reason: JobReason): string => describeReason(reason).sentence;
