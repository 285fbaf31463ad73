import type { VoteForge } from '../votes.ts';
import type { GitlabClient } from './client.ts';
import { readVotes } from './read-votes.ts';
import { answerThread } from './threads.ts';
import { createVoteSource } from './vote-source.ts';
import { findGroups, findUser } from './voters.ts';

/** Where people vote on GitLab: see VoteForge. */
export function createGitlabVotes(client: GitlabClient): VoteForge {
  return {
    readVotes: (repo, number, options, signal) =>
      readVotes({ client }, repo, number, options, signal),
    answerThread: (repo, answer, signal) => answerThread({ client }, repo, answer, signal),
    async bindNames({ users, groups }, signal) {
      const source = createVoteSource(client, { location: '0' }, signal);
      const found: [string, string][] = [];
      for (const name of new Set(users)) {
        const id = await findUser(source, name);
        if (id !== undefined) {
          found.push([name.toLowerCase(), String(id)]);
        }
      }
      const ids = await findGroups(source, groups);
      return {
        users: Object.fromEntries(found),
        groups: Object.fromEntries(
          Object.entries(ids).map(([path, id]) => [path.toLowerCase(), id]),
        ),
      };
    },
  };
}
