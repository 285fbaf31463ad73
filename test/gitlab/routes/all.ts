import type { Route } from '../route.ts';
import { approvalRoutes } from './approvals.ts';
import { awardRoutes } from './awards.ts';
import { ciLintRoutes } from './ci-lint.ts';
import { commitRoutes } from './commits.ts';
import { discussionRoutes } from './discussions.ts';
import { graphqlRoutes } from './graphql.ts';
import { hookRoutes } from './hooks.ts';
import { issueRoutes } from './issues.ts';
import { labelRoutes } from './labels.ts';
import { memberRoutes } from './members.ts';
import { mergeRequestRoutes } from './merge-requests.ts';
import { mergingRoutes } from './merging.ts';
import { noteRoutes } from './notes.ts';
import { pipelineRoutes } from './pipelines.ts';
import { projectEventRoutes } from './project-events.ts';
import { projectRoutes } from './projects.ts';
import { repositoryRoutes } from './repository.ts';
import { statusRoutes } from './statuses.ts';
import { userRoutes } from './users.ts';

export const ROUTES: readonly Route[] = [
  ...userRoutes,
  ...projectRoutes,
  ...memberRoutes,
  ...repositoryRoutes,
  ...commitRoutes,
  ...mergeRequestRoutes,
  ...mergingRoutes,
  ...approvalRoutes,
  ...issueRoutes,
  ...noteRoutes,
  ...discussionRoutes,
  ...awardRoutes,
  ...labelRoutes,
  ...pipelineRoutes,
  ...statusRoutes,
  ...projectEventRoutes,
  ...ciLintRoutes,
  ...graphqlRoutes,
  ...hookRoutes,
];
