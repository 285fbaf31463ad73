import { redirectUrl } from './apps.ts';
import type { Environment } from './environment.ts';
import { planSecrets } from './secrets.ts';

/** What each value is, and what it may do in GitLab: least privilege, one by one. */
const MEANING: Readonly<Record<string, string>> = {
  'database/superuser_password': 'PostgreSQL superuser, for making roles; a random text',
  'qdrant/api_key': 'a random text',
  'gitlab/read_token': 'token of the bot: scopes read_api, read_repository; role Reporter',
  'gitlab/write_token':
    'token of the bot: scope api; role Developer (Maintainer where branches are protected from Developers)',
  'gitlab/webhook_secret':
    'a random text of 32 characters or more; the hook of each project gets one derived from it',
  'llm/openai_api_key': 'a key of a project of its own, with a spending limit',
  'llm/anthropic_api_key': 'a key of a workspace of its own, with a spending limit',
  'oidc/client_secret': "the application's secret in GitLab; scopes openid, profile, read_api",
  'registry/dockerconfigjson':
    'a deploy token with the scope read_registry, as the JSON of a docker config',
};

/** Everything that has to be made by hand before the first deployment, in the order in which it is needed. */
export function checklist(environment: Environment): string {
  const { aws, namespace, host, platform, sandbox } = environment;
  const arn = `arn:aws:secretsmanager:${aws.region}:${accountOf(aws.secretsRole)}:secret:${aws.secretsPrefix}/*`;
  const sections: [title: string, lines: readonly string[]][] = [
    [
      'Namespace',
      platform.clusterObjects
        ? [`made by 00-cluster.yaml: ${namespace}, three priority classes, the storage class`]
        : [
            `kubectl get namespace ${namespace}   (label pod-security.kubernetes.io/enforce=restricted)`,
            'kubectl get priorityclass auto-dev-data auto-dev-control auto-dev-agent',
            `kubectl get storageclass ${environment.storage.class}`,
          ],
    ],
    [
      'Secrets Manager: one secret per name, its value a JSON object with these keys',
      secretLines(environment),
    ],
    [
      `Role ${aws.secretsRole}`,
      [
        "trust policy: sts:AssumeRoleWithWebIdentity for the cluster's OIDC provider, with the conditions",
        `  <provider>:sub = system:serviceaccount:${namespace}:secret-reader`,
        '  <provider>:aud = sts.amazonaws.com',
        'permission policy:',
        ...JSON.stringify(
          {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
                Resource: arn,
              },
            ],
          },
          null,
          2,
        )
          .split('\n')
          .map((line) => `  ${line}`),
      ],
    ],
    [
      'Names and addresses',
      [
        `DNS: ${host} resolves to the platform's load balancer`,
        `GitLab, hook of each project (or of the group): https://${host}/webhook`,
        '  events: push, tag push, issues, comments, merge requests, pipelines, emoji',
        `GitLab, application for signing in: redirect address ${redirectUrl(environment)}`,
      ],
    ],
    ...(sandbox.seccompProfile === undefined
      ? []
      : [
          [
            'Nodes of agents',
            [`/var/lib/kubelet/seccomp/${sandbox.seccompProfile} = cdk8s/seccomp/worker.json`],
          ] satisfies [string, string[]],
        ]),
    ['Backup', ['the private half of backup.public_key lies where the cluster is not']],
  ];
  return `${sections
    .map(([title, lines]) => `[ ] ${title}\n${lines.map((line) => `      ${line}`).join('\n')}`)
    .join('\n\n')}\n`;
}

function secretLines(environment: Environment): string[] {
  const keys = new Map<string, Set<string>>();
  for (const { values } of planSecrets(environment)) {
    for (const { secret, key } of Object.values(values)) {
      keys.set(secret, (keys.get(secret) ?? new Set()).add(key));
    }
  }
  return [...keys]
    .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
    .flatMap(([secret, names]) => [
      `${environment.aws.secretsPrefix}/${secret}`,
      ...[...names].sort().map((key) => `  ${key.padEnd(24)} ${meaningOf(secret, key)}`),
    ]);
}

function meaningOf(secret: string, key: string): string {
  const role = key.replace(/_password$/, '');
  const generic =
    secret === 'database'
      ? `password of the database role ${role}; a random text`
      : `password of the user ${role}; a random text of letters and digits`;
  return MEANING[`${secret}/${key}`] ?? generic;
}

function accountOf(role: string): string {
  return role.split(':')[4] ?? '';
}
