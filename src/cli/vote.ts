import type { Gate } from '../db/views/gate-list.ts';
import type { JobDetail } from '../db/views/job-detail.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';
import { readChange } from './change-lines.ts';
import type { Context } from './context.ts';
import { gatePage } from './gate-page.ts';
import { plain } from './output.ts';

interface Ballot {
  verdict: 'approve' | 'reject' | 'changes' | 'answer';
  note?: string | undefined;
}

/** Votes on the gate `id` (`g_3`), or on the one open gate of the job `id` (`j_12`), and says what came of it. */
export async function vote(
  { connect, output }: Context,
  id: string,
  ballot: Ballot,
): Promise<void> {
  const api = await connect();
  const gate = await pickGate(api, id, ballot.verdict);
  const answer = await api.post<{ gate: Gate; message: string }>(`/gates/${gate.id}/votes`, {
    ...ballot,
    // The vote is for what stands there now: a push in between refuses it.
    ...(gate.head === null || ballot.verdict === 'answer' ? {} : { head: gate.head }),
  });
  output.answer(answer, () => `${output.paint('green', '✔')} ${plain(answer.message)}`);
}

/** Reads the gate of an id without voting, for commands that show it first. */
export async function showGate({ connect, output }: Context, id: string): Promise<void> {
  const api = await connect();
  const gate = await pickGate(api, id);
  const change =
    output.isJson || gate.kind !== 'merge' || gate.job === null
      ? undefined
      : await readChange(api, await api.get<JobDetail>(`/jobs/${gate.job}`));
  output.answer(gate, () => gatePage(output, gate, change));
}

async function pickGate(api: ApiClient, id: string, verdict?: Ballot['verdict']): Promise<Gate> {
  if (/^g_\d+$/.test(id)) {
    return api.get<Gate>(`/gates/${id}`);
  }
  if (!/^j_\d+$/.test(id)) {
    throw new AppError('USAGE', `${id} is neither a gate (g_…) nor a job (j_…)`, {
      remedy: '`autodev approvals` lists what waits',
    });
  }
  const { gates } = await api.get<{ gates: Gate[] }>('/gates', { job: id, state: 'open' });
  // Only questions are answered, and only they are: so a job with both kinds is not ambiguous.
  const fitting = gates.filter(
    ({ kind }) => verdict === undefined || (kind === 'question') === (verdict === 'answer'),
  );
  const [gate, ...others] = fitting.length > 0 ? fitting : gates;
  if (gate === undefined) {
    throw new AppError('NOT_FOUND', `${id} has no open gate`, {
      remedy: `\`autodev job ${id}\` shows where it stands`,
    });
  }
  if (others.length > 0) {
    throw new AppError('USAGE', `${id} has several open gates`, {
      remedy: `name one: ${fitting.map((one) => `${one.id} (${one.kind})`).join(', ')}`,
    });
  }
  return gate;
}
