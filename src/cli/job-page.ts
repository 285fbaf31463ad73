import type { JobDetail } from '../db/views/job-detail.ts';
import { answersTo, protectionWord } from './gate-page.ts';
import type { Output } from './output.ts';
import { oneLine, plain } from './output.ts';
import { fieldList, textTable } from './text-table.ts';
import { agoWord, spanWord, stateWord, triggerWord, usdWord } from './words.ts';

/** A job on one screen. */
export function jobPage(output: Output, job: JobDetail, now: Date): string {
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
  if (job.effects.length > 0) {
    parts.push(
      `\n${textTable(
        ['EFFECT', 'STATE', 'RESULT'],
        job.effects.map((effect) => [
          effect.type,
          effect.state,
          oneLine(effect.error ?? JSON.stringify(effect.result ?? '')),
        ]),
        output,
      )}`,
    );
  }
  for (const child of job.children) {
    parts.push(
      `\nhanded to ${child.agent}: ${child.id} ${stateWord(output, child)} ${oneLine(child.title)}`,
    );
  }
  for (const gate of job.gates) {
    parts.push(
      `\n${gate.id} ${gate.kind} ${gate.state}: ${[oneLine(gate.title), protectionWord(output, gate)].filter(Boolean).join(' ')}${
        gate.kind === 'question' ? `\n${indented(plain(gate.body))}` : ''
      }${gate.state === 'open' ? `\n  ${answersTo(gate)}` : ''}`,
    );
  }
  return parts.join('\n');
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}
