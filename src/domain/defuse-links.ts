/**
 * Takes the life out of links to hosts that are not allowed: `https://…` becomes `hxxps://…`, which people
 * still read and nothing follows. An allowed link must be written plainly: no user, no port tricks, no escapes.
 */
export function defuseLinks(text: string, hosts: readonly string[]): string {
  return (
    text
      .replaceAll(HTTP, (link, scheme: string, colon: string, slashes: string, rest: string) => {
        const isPlain = colon === ':' && slashes === '//';
        return isPlain && hosts.includes(hostOf(rest))
          ? link
          : `hxxp${scheme}${colon}${slashes}${rest}`;
      })
      // `//host` alone takes the scheme of the page. Not just `/` instead: the target may stand on a line of its
      // own, where that would begin a quick action.
      .replaceAll(/(\]\(\s*<?|\]:\s*<?)[/\\]{2,}/gu, '$1./')
      // Without a scheme `www.` alone is enough for an automatic link.
      .replaceAll(/www\.(?=[^\s.])[^\s/?#()[\]<>"'`\\]*/giu, (host) =>
        hosts.includes(host.toLowerCase()) ? host : `www[.]${host.slice(4)}`,
      )
      .replaceAll(/\b(?!https?:|hxxps?:)([a-z][a-z0-9+.-]{0,30}):\/\//giu, '$1[:]//')
  );
}

/** Browsers take any number of slashes of either kind, and markdown drops a backslash before punctuation. */
const HTTP = /http(s?)(\\?:)([/\\]+)([^\s<>()[\]"'`]*)/giu;

/** The host of what follows `https://`, or '' where it is not written plainly. */
function hostOf(rest: string): string {
  const authority = /^[^/?#]*/u.exec(rest)?.[0] ?? '';
  const match = /^([a-z0-9.-]+)(?::\d{1,5})?$/iu.exec(authority.replace(/[.,;:!]+$/u, ''));
  return match?.[1]?.toLowerCase() ?? '';
}
