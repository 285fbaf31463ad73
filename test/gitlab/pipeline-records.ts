import type { Project, User } from './records.ts';

export type CiStatus =
  | 'created'
  | 'pending'
  | 'running'
  | 'success'
  | 'failed'
  | 'canceled'
  | 'skipped'
  | 'manual';

export interface Pipeline {
  readonly id: number;
  readonly iid: number;
  readonly project: Project;
  readonly sha: string;
  readonly ref: string;
  readonly source: 'push' | 'merge_request_event' | 'external' | 'api' | 'web' | 'schedule';
  readonly user: User;
  readonly createdAt: Date;
  updatedAt: Date;
  /** Jobs and commit statuses: GitLab keeps both in one table. */
  readonly jobs: Job[];
}

export interface Job {
  readonly id: number;
  readonly name: string;
  readonly stage: string;
  /** `external`: a commit status that somebody set over the API. */
  readonly kind: 'build' | 'external';
  status: CiStatus;
  readonly ref: string;
  readonly user: User;
  readonly allowFailure: boolean;
  targetUrl: string | undefined;
  description: string | undefined;
  readonly createdAt: Date;
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
  trace: string;
}
