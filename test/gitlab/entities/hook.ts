import { alertStatus, HOOK_FLAGS, GROUP_FLAGS, type Delivery, type Hook } from '../hook-records.ts';

export function hookEntity(hook: Hook, now: Date) {
  const flags = HOOK_FLAGS.filter((flag) => 'group' in hook.owner || !GROUP_FLAGS.has(flag));
  return {
    id: hook.id,
    url: hook.url,
    name: hook.name,
    description: hook.description,
    created_at: hook.createdAt.toISOString(),
    ...Object.fromEntries(flags.map((flag) => [flag, hook.events.has(flag)])),
    repository_update_events: false,
    enable_ssl_verification: hook.sslVerification,
    alert_status: alertStatus(hook, now),
    disabled_until: hook.disabledUntil?.toISOString() ?? null,
    url_variables: [],
    custom_headers: [],
    custom_webhook_template: null,
    branch_filter_strategy: 'wildcard',
    push_events_branch_filter: hook.branchFilter ?? null,
    token_present: hook.token !== undefined,
    signing_token_present: hook.signingToken !== undefined,
    ...('project' in hook.owner
      ? { project_id: hook.owner.project.id }
      : { group_id: hook.owner.group.id }),
  };
}

export function deliveryEntity(delivery: Delivery) {
  return {
    id: delivery.id,
    url: delivery.hook.url,
    trigger: delivery.trigger,
    request_headers: delivery.requestHeaders,
    request_data: delivery.payload,
    response_headers: delivery.responseHeaders,
    response_body: delivery.responseBody,
    execution_duration: delivery.durationMs / 1000,
    response_status: String(delivery.status),
  };
}
