import { parseDocument } from 'yaml';

import { projectOf } from '../access.ts';
import { isObject } from '../params.ts';
import type { Route } from '../route.ts';

/** Whether a pipeline file is YAML with at least one job; GitLab knows far more. */
export const ciLintRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/projects/{id}/ci/lint',
    parameters: ['content', 'dry_run', 'include_jobs', 'ref'],
    handle(call) {
      projectOf(call, 30);
      const content = call.params.requiredText('content');
      const document = parseDocument(content);
      const value: unknown = document.errors.length > 0 ? undefined : document.toJS();
      const errors = document.errors.map(({ message }) => message);
      if (errors.length === 0 && !(isObject(value) && Object.values(value).some(isObject))) {
        errors.push('jobs config should contain at least one visible job');
      }
      return {
        body: {
          valid: errors.length === 0,
          errors,
          warnings: [],
          merged_yaml: content,
          includes: [],
        },
      };
    },
  },
];
