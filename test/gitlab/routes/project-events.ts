import { projectOf } from '../access.ts';
import { userEntity } from '../entities/user.ts';
import { page } from '../paging.ts';
import type { Route } from '../route.ts';

/** What happened in a project. Only pushes are recorded here: they tell who brought which head. */
export const projectEventRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects/{id}/events',
    handle(call) {
      const { world, params } = call;
      const project = projectOf(call, 20);
      const [after, before] = [params.time('after'), params.time('before')];
      const action = params.text('action');
      const rows = world.state.pushes.filter(
        (push) =>
          push.project === project &&
          (action === undefined || action === 'pushed') &&
          (after === undefined || push.at > after) &&
          (before === undefined || push.at < before),
      );
      return page(call, params.text('sort') === 'asc' ? rows : rows.toReversed(), (push) => {
        const { from, to, ref } = push.change;
        return {
          id: push.id,
          project_id: project.id,
          action_name:
            from === undefined ? 'pushed new' : to === undefined ? 'deleted' : 'pushed to',
          target_id: null,
          target_iid: null,
          target_type: null,
          author_id: push.user.id,
          target_title: null,
          created_at: push.at.toISOString(),
          author: userEntity(world, push.user),
          imported: false,
          imported_from: 'none',
          push_data: {
            commit_count: 1,
            action: from === undefined ? 'created' : to === undefined ? 'removed' : 'pushed',
            ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
            commit_from: from ?? null,
            commit_to: to ?? null,
            ref: ref.replace(/^refs\/(heads|tags)\//, ''),
            commit_title: null,
            ref_count: null,
          },
          author_username: push.user.username,
        };
      });
    },
  },
];
