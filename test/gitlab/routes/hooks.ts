import { randomUUID } from 'node:crypto';

import { groupOf, projectOf } from '../access.ts';
import { deliveryEntity, hookEntity } from '../entities/hook.ts';
import { HOOK_FLAGS, type Delivery, type Hook } from '../hook-records.ts';
import { page } from '../paging.ts';
import type { Params } from '../params.ts';
import { ApiProblem, invalidRecord, notFound } from '../problem.ts';
import { part, type Call, type Route } from '../route.ts';
import { testEvent } from '../test-event.ts';

/** Newer than GitLab's document. */
const ACCEPTS = ['signing_token', 'custom_webhook_template'];
/** Of group hooks, which it lacks. */
const PARAMETERS = [
  ...ACCEPTS,
  'url',
  'name',
  'description',
  'token',
  'enable_ssl_verification',
  'push_events_branch_filter',
  'branch_filter_strategy',
  ...HOOK_FLAGS,
];

type Owner = Hook['owner'];

const projectOwner = (call: Call): Owner => ({ project: projectOf(call, 40) });
const groupOwner = (call: Call): Owner => ({ group: groupOf(call, 50) });

/** Hooks of projects, and of groups with a licence; what they sent, and sending it again. */
export const hookRoutes: readonly Route[] = [
  ...routesFor('/projects/{id}/hooks', projectOwner),
  ...routesFor('/groups/{id}/hooks', groupOwner),
];

function routesFor(base: string, owner: (call: Call) => Owner): Route[] {
  const ofGroup = owner === groupOwner;
  const one = `${base}/{hook_id}`;
  const shared = ofGroup ? { premium: true } : {};
  const writes = { ...shared, accepts: ACCEPTS, ...(ofGroup ? { parameters: PARAMETERS } : {}) };
  const reads = { ...shared, ...(ofGroup ? { parameters: ['status'] } : {}) };
  return [
    {
      ...reads,
      method: 'GET',
      path: base,
      handle(call) {
        const mine = owner(call);
        const hooks = call.world.webhooks.hooks.filter((hook) => owns(mine, hook));
        return page(call, hooks, (hook) => hookEntity(hook, call.world.clock.now()));
      },
    },
    {
      ...writes,
      method: 'POST',
      path: base,
      handle(call) {
        const { world, params } = call;
        const hook: Hook = {
          id: world.state.nextId('hook'),
          uuid: randomUUID(),
          owner: owner(call),
          url: requireUrl(params.requiredText('url')),
          name: '',
          description: '',
          token: undefined,
          signingToken: undefined,
          // A hook that asks for nothing gets pushes.
          events: new Set(['push_events']),
          branchFilter: undefined,
          sslVerification: true,
          createdAt: world.clock.now(),
          failures: 0,
          disabledUntil: undefined,
        };
        change(hook, params);
        world.webhooks.hooks.push(hook);
        return { status: 201, body: hookEntity(hook, world.clock.now()) };
      },
    },
    {
      ...shared,
      method: 'GET',
      path: one,
      parameters: [],
      handle: (call) => ({ body: hookEntity(hookOf(call, owner), call.world.clock.now()) }),
    },
    {
      ...writes,
      method: 'PUT',
      path: one,
      handle(call) {
        const hook = hookOf(call, owner);
        change(hook, call.params);
        return { body: hookEntity(hook, call.world.clock.now()) };
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: one,
      parameters: [],
      handle(call) {
        const { hooks } = call.world.webhooks;
        hooks.splice(hooks.indexOf(hookOf(call, owner)), 1);
        return { status: 204 };
      },
    },
    {
      ...reads,
      method: 'POST',
      path: `${one}/test/{trigger}`,
      async handle(call) {
        const hook = hookOf(call, owner);
        const event = await testEvent(call.world, hook, {
          trigger: part(call, 'trigger'),
          user: call.user,
        });
        requireDelivered(await call.world.webhooks.test(hook, event));
        return { status: 201, body: { message: '201 Created' } };
      },
    },
    {
      ...reads,
      method: 'GET',
      path: `${one}/events`,
      handle(call) {
        const hook = hookOf(call, owner);
        const wanted = call.params.list('status');
        const events = call.world.webhooks.log
          .filter((delivery) => delivery.hook === hook && matches(delivery, wanted))
          .toReversed();
        return page(call, events, deliveryEntity);
      },
    },
    {
      ...reads,
      method: 'POST',
      path: `${one}/events/{hook_log_id}/resend`,
      async handle(call) {
        const hook = hookOf(call, owner);
        const id = Number(part(call, 'hook_log_id'));
        const found = call.world.webhooks.log.find((sent) => sent.hook === hook && sent.id === id);
        if (found === undefined) {
          throw notFound();
        }
        const again = await call.world.webhooks.resend(found);
        return { status: 201, body: { response_status: again.status } };
      },
    },
  ];
}

function change(hook: Hook, params: Params): void {
  const url = params.text('url');
  hook.url = url === undefined ? hook.url : requireUrl(url);
  hook.name = params.text('name') ?? hook.name;
  hook.description = params.text('description') ?? hook.description;
  hook.token = params.text('token') ?? hook.token;
  hook.signingToken = params.text('signing_token') ?? hook.signingToken;
  hook.branchFilter = params.text('push_events_branch_filter') ?? hook.branchFilter;
  hook.sslVerification = params.flag('enable_ssl_verification') ?? hook.sslVerification;
  if (hook.signingToken !== undefined && !/^whsec_[A-Za-z0-9+/]{43}=$/.test(hook.signingToken)) {
    throw invalidRecord(422, { signing_token: ['must be whsec_ and 32 bytes in base64'] });
  }
  for (const flag of HOOK_FLAGS) {
    const wanted = params.flag(flag);
    if (wanted === true) {
      hook.events.add(flag);
    } else if (wanted === false) {
      hook.events.delete(flag);
    }
  }
}

function hookOf(call: Call, owner: (call: Call) => Owner): Hook {
  const mine = owner(call);
  const id = Number(part(call, 'hook_id'));
  const found = call.world.webhooks.hooks.find((hook) => owns(mine, hook) && hook.id === id);
  if (found === undefined) {
    throw notFound();
  }
  return found;
}

function owns(owner: Owner, hook: Hook): boolean {
  return 'project' in owner
    ? 'project' in hook.owner && hook.owner.project === owner.project
    : 'group' in hook.owner && hook.owner.group === owner.group;
}

function requireUrl(url: string): string {
  if (!/^https?:\/\/[^\s]+$/.test(url)) {
    throw new ApiProblem(422, { error: 'Invalid url given' });
  }
  return url;
}

function requireDelivered({ status, responseBody }: Delivery): void {
  if (typeof status !== 'number' || status >= 400) {
    throw new ApiProblem(422, {
      message: `Hook executed but returned HTTP ${status} ${responseBody.slice(0, 200)}`,
    });
  }
}

/** By code, or by the words that GitLab has for whole classes. */
function matches({ status }: Delivery, wanted: readonly string[] | undefined): boolean {
  if (wanted === undefined) {
    return true;
  }
  const code = typeof status === 'number' ? status : 0;
  return wanted.some(
    (word) =>
      word === String(status) ||
      (word === 'successful' && code >= 200 && code < 300) ||
      (word === 'client_failure' && code >= 400 && code < 500) ||
      (word === 'server_failure' && (code >= 500 || code === 0)),
  );
}
