import type { MergeRequest, Version } from './records.ts';

/** The newest version; a merge request always has one. */
export function latestVersion({ versions, iid }: MergeRequest): Version {
  const version = versions.at(-1);
  if (version === undefined) {
    throw new TypeError(`The merge request !${iid} has no version.`);
  }
  return version;
}

/** What GitLab calls the `sha` of a merge request: the source branch as it last saw it. */
export function headOf(mergeRequest: MergeRequest): string {
  return latestVersion(mergeRequest).head;
}
