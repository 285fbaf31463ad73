import type { Route } from '../route.ts';
import { approvalRoutes } from './approvals.ts';
import { commitRoutes } from './commits.ts';
import { hookRoutes } from './hooks.ts';
import { issueRoutes } from './issues.ts';
import { memberRoutes } from './members.ts';
import { mergeRequestRoutes } from './merge-requests.ts';
import { mergingRoutes } from './merging.ts';
import { noteRoutes } from './notes.ts';
import { projectRoutes } from './projects.ts';
import { repositoryRoutes } from './repository.ts';
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
  ...hookRoutes,
];
