import type { ActReader } from '../forge/acts.ts';
import type { Platform } from './platform.ts';

/** Who reads from GitLab what hooks hint at; undefined without one. */
export async function openActReader({
  settings,
  db,
  clock,
}: Pick<Platform, 'settings' | 'db' | 'clock'>): Promise<ActReader | undefined> {
  const { GITLAB_URL: url, GITLAB_TOKEN: value } = settings;
  if (url === undefined || value === undefined) {
    return undefined;
  }
  // Loaded only where it is needed: the API's client is large.
  const [
    { createActReader },
    { createGitlabClient },
    { createRequestBudget },
    { createTokenSource },
  ] = await Promise.all([
    import('../forge/gitlab/acts.ts'),
    import('../forge/gitlab/client.ts'),
    import('../forge/gitlab/request-budget.ts'),
    import('../forge/gitlab/token.ts'),
  ]);
  return createActReader(
    createGitlabClient({
      url,
      token: createTokenSource({ value, file: settings.files.get('GITLAB_TOKEN') }),
      budget: createRequestBudget({ db, host: new URL(url).host }),
      clock,
    }),
  );
}
