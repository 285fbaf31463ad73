import { Type } from 'typebox';

import type { EventName } from '../../domain/spec.ts';
import type { Act } from '../acts.ts';
import { Person } from './act-source.ts';
import type { ActSource } from './act-source.ts';

const PushEvent = Type.Object({
  id: Type.Integer(),
  created_at: Type.String(),
  author: Type.Optional(Type.Union([Person, Type.Null()])),
  push_data: Type.Optional(
    Type.Object({
      ref_type: Type.String(),
      ref: Type.Union([Type.String(), Type.Null()]),
      commit_to: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
});

const Pipeline = Type.Object({
  id: Type.Integer(),
  status: Type.String(),
  ref: Type.Union([Type.String(), Type.Null()]),
  sha: Type.String(),
  user: Type.Optional(Type.Union([Person, Type.Null()])),
  updated_at: Type.String(),
  finished_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

export interface Push {
  readonly id: number;
  readonly at: Date;
  readonly author: { readonly id: number; readonly username: string } | null | undefined;
  readonly ref: string;
  readonly sha: string;
}

interface Looking {
  readonly source: ActSource;
  readonly since: Date;
  readonly wanted: ReadonlySet<EventName>;
}

/** The newest of the project's pushes that is so, among the last hundreds. */
export async function findPush(
  source: ActSource,
  isIt: (push: Push) => boolean,
): Promise<Push | undefined> {
  const events = await source.list(PushEvent, 'events?action=pushed&sort=desc');
  return events
    .flatMap(({ id, created_at: at, author, push_data: data }) =>
      data?.ref && data.commit_to
        ? [
            {
              id,
              at: new Date(at),
              author,
              ref: `refs/${data.ref_type === 'tag' ? 'tags' : 'heads'}/${data.ref}`,
              sha: data.commit_to,
            },
          ]
        : [],
    )
    .find(isIt);
}

/** The newest push to a ref. Those before it brought what is no longer there: one job looks at all of them. */
export async function pushActs({ source, since, wanted }: Looking, ref: string): Promise<Act[]> {
  const type: EventName = ref.startsWith('refs/tags/') ? 'tag_push' : 'push';
  const push = wanted.has(type) ? await findPush(source, (one) => one.ref === ref) : undefined;
  const actor = await source.actor(push?.author);
  return push === undefined || actor === undefined || push.at < since
    ? []
    : [
        {
          type,
          key: `push:${push.id}`,
          at: push.at,
          actor,
          trust: actor.role,
          texts: [],
          facts: { ref: ref.replace(/^refs\/(heads|tags)\//, ''), sha: push.sha },
        },
      ];
}

export async function pipelineActs({ source, since, wanted }: Looking, id: number): Promise<Act[]> {
  const pipeline = wanted.has('pipeline_failed')
    ? await source.one(Pipeline, `pipelines/${id}`)
    : undefined;
  if (pipeline?.status !== 'failed') {
    return [];
  }
  const ended = pipeline.finished_at ?? pipeline.updated_at;
  const actor = await source.actor(pipeline.user);
  return actor === undefined || new Date(ended) < since
    ? []
    : [
        {
          type: 'pipeline_failed',
          // One that was retried and failed again is another failure.
          key: `pipeline:${id}:${ended}`,
          at: new Date(ended),
          actor,
          trust: actor.role,
          texts: [],
          facts: { pipeline: { id }, ref: pipeline.ref ?? '', sha: pipeline.sha },
        },
      ];
}
