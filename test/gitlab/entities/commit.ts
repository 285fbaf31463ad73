import type { Commit } from '../git/read.ts';
import type { Project } from '../records.ts';
import type { World } from '../world.ts';

export function commitEntity({ url }: World, project: Project, commit: Commit) {
  return {
    id: commit.id,
    short_id: commit.id.slice(0, 8),
    created_at: commit.committedAt,
    parent_ids: commit.parents,
    title: commit.message.split('\n')[0] ?? '',
    message: commit.message,
    author_name: commit.authorName,
    author_email: commit.authorEmail,
    authored_date: commit.authoredAt,
    committer_name: commit.committerName,
    committer_email: commit.committerEmail,
    committed_date: commit.committedAt,
    trailers: {},
    extended_trailers: {},
    web_url: `${url}/${project.path}/-/commit/${commit.id}`,
  };
}
