import type { ActReader, ReadActs } from '../acts.ts';
import { createActSource } from './act-source.ts';
import type { GitlabClient } from './client.ts';
import { issueActs } from './issue-acts.ts';
import { mergeRequestActs } from './merge-request-acts.ts';
import { noteActs } from './note-acts.ts';
import { pipelineActs, pushActs } from './push-acts.ts';

/** Reads who did what from GitLab's own records: label events, system notes, versions, pushes. Never from a hook. */
export function createActReader(client: Pick<GitlabClient, 'send'>): ActReader {
  return {
    async readActs(repo, subject, { since, wanted }, signal): Promise<ReadActs> {
      const looking = { source: createActSource(client, repo, signal), since, wanted };
      switch (subject.kind) {
        case 'note':
          return noteActs(looking, subject);
        case 'issue':
          return { acts: await issueActs(looking, subject.number), command: undefined };
        case 'merge_request':
          return { acts: await mergeRequestActs(looking, subject.number), command: undefined };
        case 'pipeline':
          return { acts: await pipelineActs(looking, subject.id), command: undefined };
        case 'ref':
        default:
          return { acts: await pushActs(looking, subject.ref), command: undefined };
      }
    },
  };
}
