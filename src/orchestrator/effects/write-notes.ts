import type { Queryable } from '../../db/db.ts';
import type { NewNote } from '../../db/issues.ts';
import { findIssueByNumber, insertNotes } from '../../db/issues.ts';
import type { JobRow } from '../../db/job-rows.ts';
import type { EffectHandler } from '../effect-handler.ts';
import { outputOf } from '../output-payload.ts';

type Target = Pick<NewNote, 'mergeRequestId' | 'issueId'>;

/** Writes a comment on the job's subject, or on the issue or merge request that it names. */
export const writeComment: EffectHandler = async (_deps, { effect, job }) => {
  const { body, target = 'subject' } = outputOf(effect, 'comment');
  return {
    result: {},
    record: async (tx) => {
      const place = await findTarget(tx, job, target);
      await insertNotes(tx, [{ ...noteOf(job, place), kind: 'comment', body }]);
    },
  };
};

/** Writes a review: its summary, and one note a line that it comments on. */
export const writeReview: EffectHandler = async (_deps, { effect, job }) => {
  const { verdict, summary, comments = [] } = outputOf(effect, 'review');
  const opening = verdict === 'request_changes' ? 'Asks for changes. ' : '';
  return {
    result: { verdict },
    record: async (tx) => {
      const note = {
        ...noteOf(job, await findTarget(tx, job, 'subject')),
        kind: 'review' as const,
      };
      await insertNotes(tx, [
        { ...note, body: `${opening}${summary}` },
        ...comments.map(({ path, line, body }) => ({ ...note, path, line, body })),
      ]);
    },
  };
};

/** A memory candidate changes nothing outside: the row itself is what people approve with the change. */
export const keepMemory: EffectHandler = async () => ({ result: { listed: true } });

function noteOf(job: JobRow, target: Target): Omit<NewNote, 'kind' | 'body'> {
  return { repoId: job.repoId, jobId: job.id, author: `autodev/${job.agent}`, ...target };
}

/** A target that is not there leaves the note on the job alone: what the agent said is not lost. */
async function findTarget(tx: Queryable, job: JobRow, target: string): Promise<Target> {
  const [kind, number] = target.split(':');
  if (kind === 'issue' && number !== undefined) {
    const issue = await findIssueByNumber(tx, { repoId: job.repoId, number: Number(number) });
    return issue ? { issueId: issue.id } : {};
  }
  if (job.mergeRequestId !== null) {
    return { mergeRequestId: job.mergeRequestId };
  }
  if (job.subject?.kind === 'issue' && job.subject.id !== undefined) {
    const issue = await findIssueByNumber(tx, { repoId: job.repoId, number: job.subject.id });
    return issue ? { issueId: issue.id } : {};
  }
  return {};
}
