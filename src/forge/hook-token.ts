import { createHmac } from 'node:crypto';

const PREFIX = 'autodev';

/**
 * The token that a project's hook sends as X-Gitlab-Token where hooks are not signed. It names its project, so that
 * a delivery is judged before its body is read, and it is another one for each: who learns one project's can forge
 * nothing of another.
 */
export function hookToken(secret: string, projectId: string): string {
  const mac = createHmac('sha256', secret).update(`gitlab-hook:${projectId}`).digest('base64url');
  return `${PREFIX}.${projectId}.${mac}`;
}

/** The project that a token says it is for; undefined: it is no token of ours. Proves nothing. */
export function claimedProject(token: string): string | undefined {
  const [prefix, project, mac, ...rest] = token.split('.');
  return prefix === PREFIX &&
    mac !== undefined &&
    rest.length === 0 &&
    /^[1-9]\d{0,15}$/.test(project ?? '')
    ? project
    : undefined;
}
