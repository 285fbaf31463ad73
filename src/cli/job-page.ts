import type { JobDetail } from '../db/views/job-detail.ts';
import type { Change } from './change-lines.ts';
import { changeLines } from './change-lines.ts';
import { effectLines, indented } from './effect-lines.ts';
import { answersTo, protectionWord } from './gate-page.ts';
import type { Output } from './output.ts';
import { oneLine, plain } from './output.ts';
import { fieldList, textTable } from './text-table.ts';
import { agoWord, spanWord, stateWord, triggerWord, usdWord } from './words.ts';

const INPUTS = {
  answer: 'answer of',
  changes: 'changes asked for by',
  note: 'note of',
  hand_over: 'handed over by',
} as const satisfies Record<JobDetail['input'][number]['kind'], string>;

/** A job on one screen. */
export function jobPage(
  output: Output,
  job: JobDetail,
  { now, change }: { now: Date; change?: Change | undefined },
): string {
  const { paint } = output;
  const { merge_request: mergeRequest, parent, trigger } = job;
  const line = trigger.line === undefined ? '' : ` (autodev.yaml:${trigger.line})`;
  const parts = [
    `${paint('bold', oneLine(job.title))}\n`,
    fieldList([
      ['job', `${job.id}, ${job.agent} on ${oneLine(job.repo.path)}`],
      ['state', `${stateWord(output, job)}${job.staged ? ', staged' : ''}`],
      ['because', job.detail === null ? job.reason : `${job.reason ?? ''}: ${oneLine(job.detail)}`],
      ['wakes', job.wake_at],
      ['started by', `${triggerWord(job)}${line}`],
      ['part of', parent === null ? null : `${job.root}, after ${parent}`],
      ['branch', job.branch && oneLine(job.branch)],
      ['merge request', mergeRequest && `!${mergeRequest.number} (${mergeRequest.state})`],
      ['cost', `${usdWord(job.cost.usd)}, ${job.cost.tokens} tokens`],
      ['age', agoWord(job.created_at, now)],
    ]),
    `\n${plain(job.task)}`,
  ];
  for (const { kind, author, text } of job.input) {
    parts.push(`\n${INPUTS[kind]} ${oneLine(author)}:\n${indented(text)}`);
  }
  if (job.tries.length > 0) {
    parts.push(
      `\n${textTable(
        ['TRY', 'PROVIDER', 'TOOK', 'ENDED', 'COST'],
        job.tries.map((one) => [
          String(one.attempt),
          oneLine([one.provider, one.model].filter(Boolean).join(' ')),
          spanWord(
            (one.ended_at === null ? now.getTime() : Date.parse(one.ended_at)) -
              Date.parse(one.started_at),
          ),
          one.ended_at === null ? 'running' : oneLine(`${one.reason ?? ''} ${one.detail ?? ''}`),
          usdWord(one.cost.usd),
        ]),
        output,
      )}`,
    );
  }
  const changed = change === undefined ? '' : changeLines(output, change);
  if (changed !== '') {
    parts.push(`\n${changed}`);
  }
  parts.push(...job.effects.map((effect) => `\n${effectLines(output, effect)}`));
  for (const child of job.children) {
    parts.push(
      `\nhanded to ${child.agent}: ${child.id} ${stateWord(output, child)} ${oneLine(child.title)}`,
    );
  }
  for (const gate of job.gates) {
    parts.push(
      `\n${gate.id} ${gate.kind} ${gate.state}: ${[oneLine(gate.title), protectionWord(output, gate)].filter(Boolean).join(' ')}${
        gate.kind === 'question' ? `\n${indented(gate.body)}` : ''
      }${gate.state === 'open' ? `\n  ${answersTo(gate)}` : ''}`,
    );
  }
  return parts.join('\n');
}
