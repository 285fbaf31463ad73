import { spanWord } from '../cli/words.ts';
import type { Queryable } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { LAST_DELIVERY, listRefusedDeliveries } from '../db/views/hooks.ts';

interface HookCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

/** A repository of which GitLab is silent for longer has a hook that is gone or switched off, or nobody works on it. */
const SILENT_MS = 7 * 24 * 3_600_000;
const RECENT_MS = 24 * 3_600_000;
const MOST_NAMED = 10;

/** Whether GitLab tells us what happens: each repository's last delivery, and what was refused. Nothing without GitLab. */
export async function hookChecks(db: Queryable, now: Date): Promise<HookCheck[]> {
  const repos = await db.query<{ path: string; lastAt: Date | null }>(sql`
    select r.path, ${LAST_DELIVERY} as "lastAt" from repo r
    where r.forge = 'gitlab' and r.removed_at is null order by 2 nulls first, 1
  `);
  if (repos.length === 0) {
    return [];
  }
  const age = ({ lastAt }: { lastAt: Date | null }): number =>
    lastAt === null ? Number.POSITIVE_INFINITY : now.getTime() - lastAt.getTime();
  const silent = repos.filter((repo) => age(repo) > SILENT_MS);
  const shown = (silent.length > 0 ? silent : repos).slice(0, MOST_NAMED).map((repo) => {
    const at = age(repo);
    return `${repo.path} ${Number.isFinite(at) ? `${spanWord(at)} ago` : 'never'}`;
  });
  const refused = await listRefusedDeliveries(db);
  const recent = refused.filter(({ last_at: at }) => now.getTime() - Date.parse(at) < RECENT_MS);
  return [
    {
      name: 'hooks',
      ok: silent.length === 0,
      detail: `${silent.length} of ${repos.length} repositories silent; last deliveries: ${shown.join(', ')}`,
      remedy:
        'In the project on GitLab, Settings > Webhooks: is ours there, enabled, and does its test succeed? Polling goes on meanwhile.',
    },
    {
      name: 'refused',
      ok: recent.length === 0,
      detail:
        refused
          .map(
            ({ reason, total, last_at: at }) =>
              `${reason} ${total} (last ${spanWord(now.getTime() - Date.parse(at))} ago)`,
          )
          .join(', ') || 'no delivery was ever refused',
      remedy:
        'bad_token, bad_signature: the hook has another secret than GITLAB_WEBHOOK_SECRET or GITLAB_WEBHOOK_SIGNING_TOKEN, or it is not GitLab. stale: a clock is wrong.',
    },
  ];
}
