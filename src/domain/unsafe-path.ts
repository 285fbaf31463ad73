/** Invisible characters that some file systems ignore in names. */
const IGNORABLE = /[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu;

/** A path as the least careful file system compares it: one unicode form, no case, no ignored characters. */
export function foldPath(path: string): string {
  return path.normalize('NFKC').replaceAll(IGNORABLE, '').toLowerCase().normalize('NFKC');
}

/**
 * Why a path may not come out of a sandbox on any system, as the end of a sentence that begins with the
 * path; undefined when it is fine. Git itself refuses most of these, each at another time.
 */
export function unsafePathReason(path: string): string | undefined {
  if (path === '' || path.startsWith('/') || /^[a-z]:/iu.test(path)) {
    return 'is not relative to the top of the repository';
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\\]/u.test(path)) {
    return 'holds a control character or a backslash';
  }
  if (path.search(IGNORABLE) >= 0) {
    return 'holds an invisible character';
  }
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') {
      return 'has an empty part, `.` or `..`';
    }
    // Windows drops dots and blanks at the end, and `git~1` is its short name of `.git`.
    const bare = foldPath(part).replace(/[. ]+$/u, '');
    if (bare === '.git' || bare === 'git~1' || bare.startsWith('.git:')) {
      return 'reaches into a git directory';
    }
    if (part !== part.trimEnd()) {
      return 'has a part that ends with a blank';
    }
  }
  return undefined;
}
