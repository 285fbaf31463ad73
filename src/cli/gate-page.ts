import type { Gate } from '../db/views/gate-list.ts';
import type { Change } from './change-lines.ts';
import { changeLines } from './change-lines.ts';
import type { Output } from './output.ts';
import { oneLine, plain } from './output.ts';
import { fieldList } from './text-table.ts';

/** A gate on one screen: the question, what it is about, who voted, and the commands that answer it. */
export function gatePage(output: Output, gate: Gate, change?: Change): string {
  const { paint } = output;
  const { votes, merge_request: mergeRequest } = gate;
  const fields = fieldList([
    ['gate', `${gate.id} (${gate.kind}, ${gate.state})`],
    ['repository', oneLine(gate.repo.path)],
    ['job', gate.job],
    ['branch', mergeRequest && oneLine(mergeRequest.branch)],
    ['commit', gate.head],
    ['asked by', gate.requesters.map(oneLine).join(', ')],
    [
      'votes',
      votes
        .map((one) => oneLine(`${one.voter}: ${one.verdict}${one.self ? ' (self)' : ''}`))
        .join(', '),
    ],
    ['closed by', gate.closed_by && oneLine(gate.closed_by)],
  ]);
  const changed = change === undefined ? '' : changeLines(output, change);
  const warning = gate.protected ? '' : `\n${protectionWord(output, gate)}: it ran without a box\n`;

  return `${paint('bold', oneLine(gate.title))}\n\n${fields}\n${warning}\n${plain(gate.body)}\n${changed === '' ? '' : `\n${changed}\n`}${
    gate.state === 'open' ? `\n${answersTo(gate)}\n` : ''
  }`;
}

/** Empty where the worker was kept in a box, so that what it made can be trusted to be all that it did. */
export function protectionWord(
  { paint }: Output,
  { protected: isProtected }: Pick<Gate, 'protected'>,
): string {
  return isProtected ? '' : paint('yellow', '▲ not protected from the worker');
}

/** What to type. */
export function answersTo({ id, kind }: Pick<Gate, 'id' | 'kind'>): string {
  return kind === 'question'
    ? `autodev answer ${id} TEXT`
    : `autodev approve ${id} · autodev changes ${id} NOTE · autodev reject ${id} --reason WHY`;
}
