import { Type } from 'typebox';

import type { ForgeRepo } from '../forge.ts';
import type { GitlabClient } from './client.ts';
import { WHOLE_LIST } from './client.ts';
import { hasMarker, lookUp, withMarker } from './notes.ts';
import type { People } from './people.ts';
import { read } from './shape.ts';

const Issue = Type.Object({
  iid: Type.Integer(),
  state: Type.String(),
  title: Type.String(),
  description: Type.Union([Type.String(), Type.Null()]),
  web_url: Type.String(),
});

export interface ForgeIssue {
  readonly number: number;
  readonly open: boolean;
  readonly title: string;
  readonly description: string;
  readonly webUrl: string;
}

interface Deps {
  client: GitlabClient;
  people: People;
}

export interface WantedIssue {
  readonly marker: string;
  readonly title: string;
  readonly description: string;
  readonly labels: readonly string[];
  /** No issue with this marker is older: what is looked through. */
  readonly since: Date;
}

/** Opens an issue once, however often it is asked for; one of ours with this marker is brought to these words. */
export async function putIssue(
  deps: Deps,
  repo: ForgeRepo,
  wanted: WantedIssue,
  signal: AbortSignal,
): Promise<ForgeIssue> {
  const { issues } = deps.client.api(signal);
  const project = Number(repo.location);
  const description = withMarker(wanted.marker, wanted.description);
  const found = await findIssue(deps, repo, wanted, signal);
  if (found) {
    if (found.title === wanted.title && found.description.trim() === description.trim()) {
      return found;
    }
    const edited: unknown = await issues.edit(project, found.number, {
      title: wanted.title,
      description,
    });
    return readIssue(edited, repo);
  }
  try {
    const labels = wanted.labels.join(',');
    return readIssue(await issues.create(project, wanted.title, { description, labels }), repo);
  } catch (error) {
    return lookUp(error, () => findIssue(deps, repo, wanted, signal));
  }
}

/** Opens or closes it. */
export async function setIssueState(
  { client }: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  { number, open }: { number: number; open: boolean },
  signal: AbortSignal,
): Promise<void> {
  await client.api(signal).issues.edit(Number(repo.location), number, {
    stateEvent: open ? 'reopen' : 'close',
  });
}

export async function findIssue(
  { client, people }: Deps,
  repo: ForgeRepo,
  { marker, since }: Pick<WantedIssue, 'marker' | 'since'>,
  signal: AbortSignal,
): Promise<ForgeIssue | undefined> {
  const { id } = await people.self(signal);
  const answer: unknown = await client.api(signal).issues.all({
    ...WHOLE_LIST,
    projectId: Number(repo.location),
    authorId: id,
    scope: 'all',
    // The clocks of two machines are never the same.
    createdAfter: new Date(since.getTime() - 600_000).toISOString(),
  });
  const own = read(Type.Array(Issue), answer, `our issues of ${repo.path}`);
  const found = own.find(({ description }) => hasMarker(description ?? '', marker));
  return found && readIssue(found, repo);
}

function readIssue(value: unknown, repo: ForgeRepo): ForgeIssue {
  const issue = read(Issue, value, `an issue of ${repo.path}`);
  return {
    number: issue.iid,
    open: issue.state === 'opened',
    title: issue.title,
    description: issue.description ?? '',
    webUrl: issue.web_url,
  };
}
