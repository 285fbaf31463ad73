import { Type, type Static } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import { WHOLE_LIST, type GitlabClient } from './client.ts';
import { lookUp } from './notes.ts';
import { read } from './shape.ts';

/** What a hook must tell us of, by GitLab's names. */
const EVENTS = {
  push_events: true,
  tag_push_events: true,
  merge_requests_events: true,
  issues_events: true,
  note_events: true,
  pipeline_events: true,
  confidential_issues_events: false,
  confidential_note_events: false,
} as const;

const Hook = Type.Object({
  id: Type.Integer(),
  url: Type.String(),
  ...Object.fromEntries(
    Object.keys(EVENTS).map((name) => [
      name,
      Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
    ]),
  ),
  enable_ssl_verification: Type.Optional(Type.Boolean()),
  /** `executable`, `temporarily_disabled` or `disabled`; older servers do not say. */
  alert_status: Type.Optional(Type.String()),
  signing_token_present: Type.Optional(Type.Boolean()),
});

export interface WantedHook {
  /** Where GitLab finds our webhook. */
  readonly url: string;
  /** What GitLab sends as X-Gitlab-Token, or what it signs with (GitLab 19). */
  readonly secret: { readonly token: string } | { readonly signingToken: string };
}

/** `rearmed`: GitLab had given up on it, and tries again. */
export type HookState = 'installed' | 'repaired' | 'rearmed' | 'healthy';

/**
 * Sees to it that a project tells us what happens. Throws FORGE_FORBIDDEN where our account is no Maintainer, and
 * FORGE_REFUSED when GitLab still cannot reach us.
 */
export async function ensureHook(
  client: GitlabClient,
  repo: ForgeRepo,
  wanted: WantedHook,
  signal: AbortSignal,
): Promise<{ id: number; state: HookState }> {
  const project = Number(repo.location);
  const { hooks } = client.api(signal);
  const settings = {
    ...EVENTS_IN_CAMEL_CASE,
    enableSslVerification: wanted.url.startsWith('https:'),
    ...('token' in wanted.secret
      ? { token: wanted.secret.token }
      : { signingToken: wanted.secret.signingToken }),
  };
  const found = await findHook(client, repo, wanted.url, signal);
  if (found === undefined) {
    try {
      const made: unknown = await hooks.add(project, wanted.url, settings);
      return { id: read(Hook, made, `the new hook of ${repo.path}`).id, state: 'installed' };
    } catch (error) {
      const there = await lookUp(error, () => findHook(client, repo, wanted.url, signal));
      return { id: there.id, state: 'installed' };
    }
  }
  const fits = asWanted(found, wanted);
  if (!fits) {
    await hooks.edit(project, found.id, wanted.url, settings);
  }
  if ((found.alert_status ?? 'executable') === 'executable') {
    return { id: found.id, state: fits ? 'healthy' : 'repaired' };
  }
  await rearm(client, repo, found.id, signal);
  return { id: found.id, state: 'rearmed' };
}

/** One delivery that succeeds, and GitLab takes a hook into use again that it had given up on. */
async function rearm(
  client: GitlabClient,
  repo: ForgeRepo,
  id: number,
  signal: AbortSignal,
): Promise<void> {
  const project = encodeURIComponent(repo.location);
  try {
    await client.send(
      {
        method: 'POST',
        path: `projects/${project}/hooks/${id}/test/push_events`,
        repeatable: false,
        expects: 'json',
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'FORGE_REFUSED') {
      throw error;
    }
    throw new AppError('FORGE_REFUSED', `GitLab cannot reach our webhook: ${error.message}`, {
      cause: error,
      remedy: 'Look whether GitLab can connect to the address of the webhook, and its certificate.',
    });
  }
}

async function findHook(
  client: GitlabClient,
  repo: ForgeRepo,
  url: string,
  signal: AbortSignal,
): Promise<Static<typeof Hook> | undefined> {
  const answer: unknown = await client.api(signal).hooks.all(Number(repo.location), WHOLE_LIST);
  return read(Type.Array(Hook), answer, `the hooks of ${repo.path}`).find((one) => one.url === url);
}

/** Its secret cannot be read back, only whether there is one to sign with. */
function asWanted(hook: Static<typeof Hook>, { secret }: WantedHook): boolean {
  const flags = new Map<string, unknown>(Object.entries(hook));
  return (
    Object.entries(EVENTS).every(([name, on]) => (flags.get(name) ?? false) === on) &&
    (!('signingToken' in secret) || hook.signing_token_present !== false)
  );
}

const EVENTS_IN_CAMEL_CASE = {
  pushEvents: EVENTS.push_events,
  tagPushEvents: EVENTS.tag_push_events,
  mergeRequestsEvents: EVENTS.merge_requests_events,
  issuesEvents: EVENTS.issues_events,
  noteEvents: EVENTS.note_events,
  pipelineEvents: EVENTS.pipeline_events,
  confidentialIssuesEvents: EVENTS.confidential_issues_events,
  confidentialNoteEvents: EVENTS.confidential_note_events,
};
