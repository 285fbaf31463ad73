import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { insertIssue, insertNotes } from './issues.ts';
import { newRepo } from './repo-rows-fixture.ts';
import { listSubjectTexts } from './subject-texts.ts';

test('an issue is told first, then what was said to it, newest first, with who said it', async ({
  db,
}) => {
  const { id: repoId } = await newRepo(db);
  const issue = await insertIssue(db, {
    repoId,
    jobId: null,
    title: 'It is slow',
    description: 'Very.',
    labels: [],
  });
  const note = { repoId, issueId: issue.id, kind: 'comment' } as const;
  await insertNotes(db, [
    { ...note, jobId: null, author: 'ada', body: 'Since when?' },
    { ...note, jobId: 3, author: 'ada', body: 'Since Monday.', path: 'src/a.ts', line: 4 },
  ]);

  const texts = await listSubjectTexts(db, {
    repoId,
    subject: { kind: 'issue', id: issue.number },
  });

  expect(texts).toEqual([
    { what: 'issue 1', author: null, text: 'It is slow\n\nVery.' },
    { what: 'comment on issue 1', author: 'autodev', text: 'src/a.ts:4 Since Monday.' },
    { what: 'comment on issue 1', author: 'ada', text: 'Since when?' },
  ]);
});

test('a job about a commit, about nothing, or about what is not there is told nothing', async ({
  db,
}) => {
  const { id: repoId } = await newRepo(db);
  const subjects = [null, { kind: 'commit', sha: 'abc' }, { kind: 'issue', id: 9 }] as const;

  const texts = await Promise.all(
    subjects.map((subject) => listSubjectTexts(db, { repoId, subject })),
  );

  expect(texts).toEqual([[], [], []]);
});
