import { createHmac } from 'node:crypto';

import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

import type { Effect } from '../../db/effects.ts';
import { getInstanceKey } from '../../db/own-effects.ts';
import type { Repo } from '../../db/repos.ts';
import { getRepo } from '../../db/repos.ts';
import type { ReviewForge } from '../../forge/review.ts';
import { AppError } from '../../kernel/errors.ts';
import type { CarriedOut, EffectDeps } from '../effect-handler.ts';

const Mark = Type.Union([Type.Literal('plan'), Type.Literal('config')]);

const Note = Type.Object({ number: Type.Integer(), mark: Mark, body: Type.String() });

const Status = Type.Object({
  sha: Type.String(),
  name: Type.String(),
  state: Type.Union([Type.Literal('success'), Type.Literal('failed')]),
  description: Type.String(),
  branch: Type.String(),
});

const Issue = Type.Object({
  mark: Mark,
  title: Type.String(),
  body: Type.String(),
  open: Type.Boolean(),
});

const Offer = Type.Object({
  branch: Type.String(),
  base: Type.String(),
  path: Type.String(),
  content: Type.String(),
  message: Type.String(),
  title: Type.String(),
  description: Type.String(),
});

type WishDeps = Pick<EffectDeps, 'db' | 'review'>;

type WishHandler = (deps: WishDeps, effect: Effect, signal: AbortSignal) => Promise<CarriedOut>;

/** Keeps one note of ours on a merge request. */
const keepNote: WishHandler = async (deps, effect, signal) => {
  const { repo, review } = await forgeOf(deps, effect);
  const { number, mark, body } = payloadOf(Note, effect);
  const marker = await markerOf(deps, repo, { mark, object: `!${number}` });
  const target = { kind: 'merge_request', number } as const;
  return { result: { ...(await review.putNote(repo, { target, marker, body }, signal)) } };
};

/** Keeps what we say of a commit. */
const keepStatus: WishHandler = async (deps, effect, signal) => {
  const { repo, review } = await forgeOf(deps, effect);
  const { sha, ...status } = payloadOf(Status, effect);
  return { result: { ...(await review.setStatus(repo, { sha, status }, signal)) } };
};

/** Keeps an issue of ours open with these words, or closed. */
const keepIssue: WishHandler = async (deps, effect, signal) => {
  const { repo, review } = await forgeOf(deps, effect);
  const { mark, title, body: description, open } = payloadOf(Issue, effect);
  const marker = await markerOf(deps, repo, { mark, object: 'issue' });
  // No issue of ours is older than GitLab itself; there are few of ours in a project.
  const wanted = { marker, since: new Date(0) };
  const issue = open
    ? await review.putIssue(repo, { ...wanted, title, description, labels: ['autodev'] }, signal)
    : await review.findIssue(repo, wanted, signal);
  if (issue && issue.open !== open) {
    await review.setIssueState(repo, { number: issue.number, open }, signal);
  }
  return { result: { number: issue?.number ?? null } };
};

/** Offers a first file as a merge request, once: one that people closed is not opened again. */
const offerFile: WishHandler = async (deps, effect, signal) => {
  const { repo, review } = await forgeOf(deps, effect);
  const { title, description, ...file } = payloadOf(Offer, effect);
  const { branch } = file;
  const found = await review.findMergeRequest(repo, branch, signal);
  if (found) {
    return { result: { number: found.number } };
  }
  await review.offerFile(repo, file, signal);
  const words = { branch, title, description, labels: ['autodev'], reviewers: [], draft: false };
  const { number } = await review.openMergeRequest(repo, words, signal);
  return { result: { number } };
};

/** What our own wishes for the outside are carried out by; each has the whole wish in its payload. */
export const WISHES: Readonly<Record<string, WishHandler>> = {
  note: keepNote,
  commit_status: keepStatus,
  sticky_issue: keepIssue,
  onboarding: offerFile,
};

/**
 * What we know a thing of ours by, beside our author id. Signed, so that nobody can make one up before there is one,
 * and another for every object, so that one that was copied fits nowhere else.
 */
async function markerOf(
  { db }: Pick<WishDeps, 'db'>,
  repo: Repo,
  { mark, object }: { mark: Static<typeof Mark>; object: string },
): Promise<string> {
  const signature = createHmac('sha256', await getInstanceKey(db))
    .update(`${repo.location}\n${mark}\n${object}`)
    .digest('hex');
  return `${mark}:${signature.slice(0, 32)}`;
}

/** The repository and its forge; CONFLICT where it has no merge requests, notes and issues of people. */
async function forgeOf(
  { db, review }: WishDeps,
  { repoId }: Pick<Effect, 'repoId'>,
): Promise<{ repo: Repo; review: ReviewForge }> {
  const repo = await getRepo(db, repoId);
  if (repo.forge !== 'gitlab' || !review) {
    throw new AppError('CONFLICT', `${repo.path} is on no forge that this can be told`, {
      remedy: 'Set GITLAB_URL and GITLAB_TOKEN for the orchestrator.',
    });
  }
  return { repo, review };
}

function payloadOf<Schema extends TSchema>(
  schema: Schema,
  { id, type, payload }: Effect,
): Static<Schema> {
  if (!Value.Check(schema, payload)) {
    throw new AppError('INVALID_REQUEST', `effect ${id} is no \`${type}\``);
  }
  return payload;
}
