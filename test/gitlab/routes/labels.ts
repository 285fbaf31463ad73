import { projectOf } from '../access.ts';
import { page } from '../paging.ts';
import { invalidRecord, notFound } from '../problem.ts';
import type { Label, Project } from '../records.ts';
import { part, type Call, type Route } from '../route.ts';

const WRITE = ['name', 'color', 'description', 'priority', 'archived', 'new_name'];

function labelEntity({ world }: Call, project: Project, label: Label) {
  const open = (kind: { project: Project; labels: string[]; state: string }[]): number =>
    kind.filter(
      (one) => one.project === project && one.state === 'opened' && one.labels.includes(label.name),
    ).length;
  return {
    id: label.id,
    name: label.name,
    description: label.description ?? null,
    description_html: label.description ?? '',
    text_color: '#FFFFFF',
    color: label.color,
    subscribed: false,
    priority: null,
    is_project_label: true,
    open_issues_count: open(world.state.issues),
    closed_issues_count: 0,
    open_merge_requests_count: open(world.state.mergeRequests),
  };
}

/** Labels of projects; those of groups are not known here. */
export const labelRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects/{id}/labels',
    parameters: ['with_counts', 'include_ancestor_groups', 'search'],
    handle(call) {
      const project = projectOf(call);
      const search = call.params.text('search') ?? '';
      const labels = project.labels.filter(({ name }) => name.includes(search));
      return page(call, labels, (label) => labelEntity(call, project, label));
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/labels/{name}',
    parameters: ['include_ancestor_groups'],
    handle(call) {
      const project = projectOf(call);
      const label = project.labels.find(({ name }) => name === part(call, 'name'));
      if (label === undefined) {
        throw notFound('Label');
      }
      return { body: labelEntity(call, project, label) };
    },
  },
  {
    method: 'POST',
    path: '/projects/{id}/labels',
    parameters: WRITE,
    handle(call) {
      const { world, params } = call;
      const project = projectOf(call, 15);
      const name = params.requiredText('name');
      if (project.labels.some((label) => label.name === name)) {
        throw invalidRecord(409, 'Label already exists');
      }
      const label: Label = {
        id: world.state.nextId('label'),
        name,
        color: params.requiredText('color'),
        description: params.text('description'),
        createdAt: world.clock.now(),
      };
      project.labels.push(label);
      return { status: 201, body: labelEntity(call, project, label) };
    },
  },
  {
    method: 'PUT',
    path: '/projects/{id}/labels/{name}',
    parameters: WRITE,
    handle(call) {
      const project = projectOf(call, 15);
      const label = project.labels.find(({ name }) => name === part(call, 'name'));
      if (label === undefined) {
        throw notFound('Label');
      }
      label.name = call.params.text('new_name') ?? label.name;
      label.color = call.params.text('color') ?? label.color;
      label.description = call.params.text('description') ?? label.description;
      return { body: labelEntity(call, project, label) };
    },
  },
];
