import type { CredentialNews } from '../../db/credentials.ts';
import type { CredentialSignal } from './credential-signal.ts';

/**
 * Passes on what is new of a credential: the first success, a recovery, each limit and refusal; not every success.
 * Whether it is news to others too is settled where it is written.
 */
export function createCredentialWatch(
  onCredential: (news: CredentialNews) => void,
): (name: string, seen: { signal: CredentialSignal; since: Date }) => void {
  const known = new Map<string, CredentialSignal['state']>();
  return (name, { signal, since }) => {
    const { state, detail } = signal;
    if (state === 'ok' && known.get(name) === 'ok') {
      return;
    }
    known.set(name, state);
    const until = 'until' in signal ? new Date(signal.until) : undefined;
    onCredential({ name, state, until, detail, since });
  };
}
