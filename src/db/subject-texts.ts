import type { JobSubject } from '../domain/job.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** Words about what a job is about. `author` is `autodev` where an agent of ours wrote them, null where nobody knows. */
export interface SubjectText {
  readonly what: string;
  readonly author: string | null;
  readonly text: string;
}

const MOST_NOTES = 50;

/** What an issue or merge request says, then what was said to it, newest first. Nothing for other subjects. */
export async function listSubjectTexts(
  db: Queryable,
  { repoId, subject }: { repoId: number; subject: JobSubject | null },
): Promise<SubjectText[]> {
  if (subject?.id === undefined || subject.kind === 'commit') {
    return [];
  }
  const of = subject.kind === 'issue' ? sql`issue` : sql`merge_request`;
  const [found] = await db.query<{ id: number; jobId: number | null; text: string }>(sql`
    select id, job_id as "jobId", title || E'\n\n' || description as text
    from ${of} where repo_id = ${repoId} and number = ${subject.id}
  `);
  if (found === undefined) {
    return [];
  }
  const key = subject.kind === 'issue' ? sql`issue_id` : sql`merge_request_id`;
  const notes = await db.query<{ author: string; jobId: number | null; text: string }>(sql`
    select author, job_id as "jobId", concat_ws(':', path, line) || ' ' || body as text
    from note where ${key} = ${found.id} and kind <> 'plan' order by id desc limit ${MOST_NOTES}
  `);
  const what = `${subject.kind.replace('_', ' ')} ${subject.id}`;
  return [
    { what, author: found.jobId === null ? null : 'autodev', text: found.text },
    ...notes.map(({ author, jobId, text }) => ({
      what: `comment on ${what}`,
      author: jobId === null ? author : 'autodev',
      text: text.trim(),
    })),
  ];
}
