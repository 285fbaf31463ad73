import { pushPayload } from './events/push-event.ts';
import { branchHead, listCommits } from './git/read.ts';
import type { Hook } from './hook-records.ts';
import { ApiProblem, invalidRecord } from './problem.ts';
import type { Project, User } from './records.ts';
import type { HookEvent } from './webhooks.ts';
import { gitOf, type World } from './world.ts';

/** The event behind "Test": GitLab makes one up from what is in the project; here only pushes are known. */
export async function testEvent(
  world: World,
  hook: Hook,
  { trigger, user }: { trigger: string; user: User },
): Promise<HookEvent> {
  if (trigger !== 'push_events') {
    throw new ApiProblem(400, { error: 'trigger does not have a valid value' });
  }
  const project = projectFor(world, hook);
  const git = gitOf(world, project);
  const head = await branchHead(git, project.defaultBranch);
  if (head === undefined) {
    throw invalidRecord(422, 'Ensure the project has at least one commit.');
  }
  const [, before] = await listCommits(git, ['--max-count=2', head]);
  const change = { ref: `refs/heads/${project.defaultBranch}`, from: before?.id, to: head };
  return {
    flag: 'push_events',
    name: 'Push Hook',
    payload: await pushPayload(world, project, { kind: 'push', change, user }),
  };
}

function projectFor({ state }: World, { owner }: Hook): Project {
  if ('project' in owner) {
    return owner.project;
  }
  const found = [...state.projects.values()].find(({ group }) => group === owner.group);
  if (found === undefined) {
    throw invalidRecord(422, 'Ensure the group has at least one project.');
  }
  return found;
}
