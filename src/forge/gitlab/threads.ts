import { Type } from 'typebox';

import type { ForgeRepo } from '../forge.ts';
import type { ReviewThread, VoteForge } from '../votes.ts';
import type { GitlabClient } from './client.ts';
import { hasMarker, withMarker } from './notes.ts';
import { createVoteSource, orNull, Person, type VoteSource } from './vote-source.ts';

const Discussion = Type.Object({
  id: Type.String(),
  individual_note: Type.Boolean(),
  notes: Type.Array(
    Type.Object({
      body: Type.String(),
      author: Person,
      system: Type.Boolean(),
      resolvable: Type.Optional(Type.Boolean()),
      resolved: Type.Optional(Type.Boolean()),
      position: orNull(
        Type.Object({
          new_path: orNull(Type.String()),
          old_path: orNull(Type.String()),
          new_line: orNull(Type.Integer()),
          old_line: orNull(Type.Integer()),
        }),
      ),
    }),
  ),
});

/** The threads of people that nobody has resolved, oldest first. One that we began asks nothing of us. */
export async function readThreads(
  source: VoteSource,
  of: string,
  us: number,
): Promise<ReviewThread[]> {
  const discussions = await source.list(Discussion, `${of}/discussions`);
  return discussions.flatMap(({ id, individual_note: single, notes }) => {
    const said = notes.filter(({ system }) => !system);
    const [first] = said;
    const isOpen = said.some(({ resolvable, resolved }) => resolvable === true && !resolved);
    if (single || first === undefined || first.author.id === us || !isOpen) {
      return [];
    }
    const path = first.position?.new_path ?? first.position?.old_path;
    const line = first.position?.new_line ?? first.position?.old_line;
    return [
      {
        id,
        place: path ? [path, line].filter(Boolean).join(':') : undefined,
        notes: said.map(({ author, body }) => ({ author: author.username, text: body })),
      },
    ];
  });
}

/** See VoteForge.answerThread. */
export async function answerThread(
  { client }: { client: GitlabClient },
  repo: ForgeRepo,
  { number, thread, marker, text, resolve }: Parameters<VoteForge['answerThread']>[1],
  signal: AbortSignal,
): Promise<void> {
  const source = createVoteSource(client, repo, signal);
  const path = `merge_requests/${number}/discussions/${encodeURIComponent(thread)}`;
  const discussion = await source.find(Discussion, path);
  if (discussion === undefined) {
    // Somebody deleted it: there is nobody to answer.
    return;
  }
  const us = await source.us();
  const project = `projects/${encodeURIComponent(repo.location)}`;
  const isSaid = discussion.notes.some(
    ({ author, body }) => author.id === us.id && hasMarker(body, marker),
  );
  if (!isSaid) {
    await client.send(
      {
        method: 'POST',
        path: `${project}/${path}/notes`,
        body: JSON.stringify({ body: withMarker(marker, text) }),
        repeatable: false,
        expects: 'json',
      },
      signal,
    );
  }
  const isOpen = discussion.notes.some(({ resolvable, resolved }) => resolvable && !resolved);
  if (resolve && isOpen) {
    await client.send(
      {
        method: 'PUT',
        path: `${project}/${path}`,
        body: JSON.stringify({ resolved: true }),
        repeatable: true,
        expects: 'json',
      },
      signal,
    );
  }
}
