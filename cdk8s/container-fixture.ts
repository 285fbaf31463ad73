import type { KubernetesObject } from './build.ts';
import { listAt, recordAt, textAt, textsAt } from './checks/look.ts';
import type { Container } from './checks/rule.ts';
import { ofKind, podsOf } from './checks/rule.ts';

/** Containers of our image that run the product; scripts name their own command. */
export function containersOfOurs(objects: readonly KubernetesObject[]): Container[] {
  return podsOf(objects)
    .flatMap(({ containers }) => containers)
    .filter(({ node }) => textAt(node, 'image')?.includes('/auto-dev/app@') === true)
    .filter(({ node }) => listAt(node, 'command').length === 0);
}

/** Its own and those of the config maps that it names. */
export function variablesOf(
  objects: readonly KubernetesObject[],
  { node }: Container,
): Record<string, string> {
  const named = new Set(listAt(node, 'envFrom').map((from) => textAt(from, 'configMapRef.name')));
  const maps = ofKind(objects, 'ConfigMap').filter(({ metadata }) => named.has(metadata.name));
  return Object.fromEntries([
    ...maps.flatMap((map) => Object.entries(textsAt(map, 'data'))),
    ...listAt(node, 'env').map((variable) => [
      textAt(variable, 'name') ?? '',
      textAt(variable, 'value') ?? '',
    ]),
  ]);
}

/** What the operator would mount, with a password that a URL cannot hold as it is. */
export function secretFilesOf(
  objects: readonly KubernetesObject[],
  { pod, node }: Container,
): Map<string, string> {
  const mount = listAt(node, 'volumeMounts').find((entry) => textAt(entry, 'name') === 'secrets');
  const volumes = listAt(podsOf(objects).find(({ name }) => name === pod)?.spec, 'volumes');
  const secret = volumes.flatMap((volume) => textAt(volume, 'secret.secretName') ?? [])[0];
  const external = ofKind(objects, 'ExternalSecret').find(
    ({ metadata }) => metadata.name === secret,
  );
  const templates = textsAt({ data: recordAt(external, 'spec.target.template.data') }, 'data');
  return new Map(
    mount === undefined
      ? []
      : Object.entries(templates).map(([name, template]) => [
          `${textAt(mount, 'mountPath')}/${name}`,
          rendered(template),
        ]),
  );
}

function rendered(template: string): string {
  return template
    .replaceAll(/\{\{ \.\w+ \| urlquery \}\}/g, 'p%40ss')
    .replaceAll(/\{\{ \.\w+ \}\}/g, 'a-secret-of-some-length');
}
