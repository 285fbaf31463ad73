import { isJsonObject } from '../domain/canonical-json.ts';
import type { Diagnostic, DocumentPath } from './diagnostics.ts';
import type { SourceDocument } from './source-document.ts';

/**
 * Keys that are read and checked but that nothing acts on yet. Each gets a warning, never silence. Whoever
 * builds what acts on one removes its line here.
 */
const NOT_YET: readonly { path: string; values?: readonly string[]; why: string }[] = [
  { path: 'extends', why: 'presets are not read yet' },
  { path: 'memory.keep', why: 'agents have no memory yet' },
  { path: 'links.allow', why: 'it needs GitLab' },
  { path: 'merge', values: ['auto'], why: 'it needs GitLab' },
  { path: 'agents.*.check', values: ['pipeline'], why: 'it needs GitLab' },
  { path: 'agents.*.allow.merge_request.reviewers', why: 'it needs GitLab' },
  { path: 'approvals.*.remind', why: 'it needs GitLab' },
  {
    path: 'triggers.*.event',
    values: [
      'issue_labeled',
      'issue_assigned',
      'mention',
      'comment',
      'review_requested',
      'pipeline_failed',
      'tag_push',
    ],
    why: 'the event needs GitLab',
  },
];

export function checkNotYet(document: SourceDocument): Diagnostic[] {
  return NOT_YET.flatMap(({ path, values, why }) =>
    findPaths(document.value, path.split('.')).flatMap(({ path: found, value }) => {
      const idle = [value].flat().filter((item) => values?.includes(String(item)) ?? true);
      return idle.length === 0
        ? []
        : [
            document.diagnose(
              found,
              {
                severity: 'warning',
                code: 'not_yet_effective',
                message: `\`${[found.at(-1), ...(values ? [idle.join(', ')] : [])].join(': ')}\` has no effect yet: ${why}.`,
                remedy: 'It may stay: it is checked now and will hold once it is acted on.',
              },
              'key',
            ),
          ];
    }),
  );
}

/** Every place that a path with `*` for "any name" leads to. */
function findPaths(
  value: unknown,
  [step, ...rest]: readonly string[],
  at: DocumentPath = [],
): { path: DocumentPath; value: unknown }[] {
  if (step === undefined) {
    return [{ path: at, value }];
  }
  if (!isJsonObject(value)) {
    return [];
  }
  const keys = step === '*' ? Object.keys(value) : [step];
  return keys
    .filter((key) => value[key] !== undefined)
    .flatMap((key) => findPaths(value[key], rest, [...at, key]));
}
