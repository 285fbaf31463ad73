import { awardEntity } from '../entities/note.ts';
import { tellEmoji } from '../events/emoji-event.ts';
import { issueOf, mergeRequestOf } from '../noteables.ts';
import { allNotes } from '../notes.ts';
import { page } from '../paging.ts';
import { forbidden, invalidRecord, notFound } from '../problem.ts';
import type { Award, Issue, MergeRequest, Note } from '../records.ts';
import { part, type Call, type Route } from '../route.ts';

interface Awardable {
  readonly on: Issue | MergeRequest;
  readonly note: Note | undefined;
  readonly awards: Award[];
}

/** Emojis on merge requests, issues and their notes; one of a kind per person. */
export const awardRoutes: readonly Route[] = [
  ...routesFor('/projects/{id}/merge_requests/{merge_request_iid}', mergeRequestOf),
  ...routesFor('/projects/{id}/issues/{issue_iid}', issueOf),
];

function routesFor(base: string, find: (call: Call) => Issue | MergeRequest): Route[] {
  const own = (call: Call): Awardable => {
    const on = find(call);
    return { on, note: undefined, awards: on.awards };
  };
  const ofNote = (call: Call): Awardable => {
    const on = find(call);
    const id = Number(part(call, 'note_id'));
    const note = allNotes(on).find((one) => one.id === id);
    if (note === undefined) {
      throw notFound('Note');
    }
    return { on, note, awards: note.awards };
  };
  return [
    ...routesOn(`${base}/award_emoji`, own),
    ...routesOn(`${base}/notes/{note_id}/award_emoji`, ofNote),
  ];
}

function routesOn(base: string, find: (call: Call) => Awardable): Route[] {
  return [
    {
      method: 'GET',
      path: base,
      parameters: [],
      handle(call) {
        const awardable = find(call);
        return page(call, awardable.awards, (award) =>
          awardEntity(call.world, award, idOf(awardable)),
        );
      },
    },
    {
      method: 'POST',
      path: base,
      parameters: ['name'],
      handle(call) {
        const { world, user, params } = call;
        const awardable = find(call);
        const name = params.requiredText('name').replaceAll(':', '');
        if (awardable.awards.some((award) => award.user === user && award.name === name)) {
          throw invalidRecord(422, 'Award Emoji Name has already been taken');
        }
        const award = { id: world.state.nextId('award'), name, user, createdAt: world.clock.now() };
        awardable.awards.push(award);
        tellEmoji(world, awardable.on, { award, note: awardable.note });
        return { status: 201, body: awardEntity(world, award, idOf(awardable)) };
      },
    },
    {
      method: 'DELETE',
      path: `${base}/{award_id}`,
      parameters: [],
      handle(call) {
        const { awards } = find(call);
        const award = awards.find(({ id }) => id === Number(part(call, 'award_id')));
        if (award === undefined) {
          throw notFound('Award Emoji');
        }
        if (award.user !== call.user) {
          throw forbidden();
        }
        awards.splice(awards.indexOf(award), 1);
        return { status: 204 };
      },
    },
  ];
}

function idOf({ on, note }: Awardable) {
  if (note) {
    return { id: note.id, type: 'Note' } as const;
  }
  return { id: on.id, type: on.kind === 'issue' ? 'Issue' : 'MergeRequest' } as const;
}
