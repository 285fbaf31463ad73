import type { Diagnostic, DocumentPath } from '../src/config/diagnostics.ts';
import type { SourceDocument } from '../src/config/source-document.ts';

const PLACEHOLDERS: readonly { looksLike: RegExp; what: string; remedy: string }[] = [
  {
    looksLike: /@sha256:0{64}$/,
    what: 'no image has this digest',
    remedy:
      '`docker buildx imagetools inspect IMAGE:TAG` prints the real one; `--image` gives ours.',
  },
  {
    looksLike: /^arn:aws[a-z-]*:iam::0{12}:/,
    what: 'no account has this number',
    remedy: 'Make the role by `--checklist` and put its ARN here.',
  },
  {
    looksLike: /REPLACE/,
    what: 'it stands for a value of yours',
    remedy: 'Replace it; docs/reference/kaas.md says where to find it.',
  },
  {
    looksLike: /\.example\.com(\/|$)/,
    what: 'no host has this name',
    remedy: 'Put the name of your own here.',
  },
];

/**
 * Values of the files that we ship which stand for the reader's own. To look at the manifests they do; to a cluster
 * nothing goes with one of them.
 */
export function findPlaceholders(
  document: SourceDocument,
  value: unknown,
  { deploy }: { deploy: boolean },
): Diagnostic[] {
  return leaves(value, []).flatMap(({ at, text }) => {
    const found = PLACEHOLDERS.find(({ looksLike }) => looksLike.test(text));
    return found === undefined
      ? []
      : [
          document.diagnose(at, {
            severity: deploy ? 'error' : 'warning',
            code: 'invalid_value',
            message: `\`${at.join('.')}\` is a placeholder: ${found.what}.`,
            remedy: found.remedy,
          }),
        ];
  });
}

function leaves(value: unknown, at: DocumentPath): { at: DocumentPath; text: string }[] {
  if (typeof value === 'string') {
    return [{ at, text: value }];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, i) => leaves(item, [...at, i]));
  }
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...at, key]))
    : [];
}
