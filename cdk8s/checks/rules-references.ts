import type { KubernetesObject } from '../build.ts';
import { at, listAt, matches, recordAt, textAt, textsAt } from './look.ts';
import type { Rule } from './rule.ts';
import { eachObject, ofKind, podsOf, titleOf } from './rule.ts';

const WORKLOADS = new Set(['Deployment', 'StatefulSet']);

/** Everything that an object names exists, and is what it is named for. */
export const REFERENCE_RULES: readonly Rule[] = [
  {
    id: 'selector-matches',
    find: (objects) =>
      podsOf(objects)
        .filter(({ owner }) => WORKLOADS.has(owner.kind))
        .filter(
          ({ owner, labels }) => !matches(textsAt(owner, 'spec.selector.matchLabels'), labels),
        )
        .map(({ name }) => `${name}: its selector does not match its own pods`),
  },
  {
    id: 'selector-unique',
    find: (objects) =>
      objects
        .filter(({ kind }) => WORKLOADS.has(kind))
        .flatMap((owner) => {
          const selected = podsOf(objects).filter(({ labels }) =>
            matches(textsAt(owner, 'spec.selector.matchLabels'), labels),
          );
          return selected.length === 1
            ? []
            : [`${titleOf(owner)}: its selector matches pods of ${selected.length} owners`];
        }),
  },
  {
    id: 'service-targets',
    find: (objects) =>
      ofKind(objects, 'Service').flatMap((service) => {
        const targets = podsOf(objects).filter(({ labels }) =>
          matches(textsAt(service, 'spec.selector'), labels),
        );
        const open = new Set(
          targets.flatMap(({ containers }) =>
            containers.flatMap(({ node }) => listAt(node, 'ports').map((port) => at(port, 'name'))),
          ),
        );
        const dead = listAt(service, 'spec.ports').some(
          (port) => !open.has(at(port, 'targetPort')),
        );
        return targets.length === 1 && !dead ? [] : [`${titleOf(service)}: it leads nowhere`];
      }),
  },
  eachObject('service-type', (object) => {
    const type = textAt(object, 'spec.type') ?? 'ClusterIP';
    return (
      object.kind === 'Service' && type !== 'ClusterIP' && `${type} opens the cluster to others`
    );
  }),
  {
    id: 'pdb-targets',
    find: (objects) =>
      ofKind(objects, 'PodDisruptionBudget').flatMap((budget) => {
        const selector = textsAt(budget, 'spec.selector.matchLabels');
        const known = podsOf(objects).some(({ labels }) => matches(selector, labels));
        const blocks = at(budget, 'spec.maxUnavailable') === 0;
        return known && !blocks
          ? []
          : [`${titleOf(budget)}: it guards nothing, or blocks every drain`];
      }),
  },
  {
    id: 'config-refs',
    find: (objects) => {
      const maps = new Set(ofKind(objects, 'ConfigMap').map(({ metadata }) => metadata.name));
      return podsOf(objects).flatMap(({ name, spec, containers }) =>
        [
          ...listAt(spec, 'volumes').map((volume) => textAt(volume, 'configMap.name')),
          ...containers.flatMap(({ node }) =>
            listAt(node, 'envFrom').map((from) => textAt(from, 'configMapRef.name')),
          ),
        ].flatMap((map) =>
          map === undefined || maps.has(map) ? [] : [`${name}: there is no ConfigMap ${map}`],
        ),
      );
    },
  },
  {
    id: 'volume-refs',
    find: (objects) =>
      podsOf(objects).flatMap(({ name, owner, spec, containers }) => {
        const volumes = [
          ...listAt(spec, 'volumes').map((volume) => textAt(volume, 'name')),
          ...listAt(owner, 'spec.volumeClaimTemplates').map((claim) =>
            textAt(claim, 'metadata.name'),
          ),
        ];
        const mounts = containers.flatMap(({ node }) =>
          listAt(node, 'volumeMounts').map((mount) => textAt(mount, 'name')),
        );
        return [
          ...mounts
            .filter((mount) => !volumes.includes(mount))
            .map((mount) => `${name}: it mounts ${mount}, which is no volume`),
          ...volumes
            .filter((volume) => !mounts.includes(volume))
            .map((volume) => `${name}: nothing mounts the volume ${volume}`),
        ];
      }),
  },
  {
    id: 'claim-used-once',
    find: (objects) => {
      const claims = ofKind(objects, 'PersistentVolumeClaim');
      const users = podsOf(objects).flatMap(({ name, spec }) =>
        claimsOf(spec).map((claim) => ({ name, claim })),
      );
      return [
        ...users
          .filter(({ claim }) => !claims.some(({ metadata }) => metadata.name === claim))
          .map(({ name, claim }) => `${name}: there is no claim ${claim}`),
        ...claims.flatMap((claim) => {
          const count = users.filter((user) => user.claim === claim.metadata.name).length;
          return count === 1 || (count > 1 && isShared(claim))
            ? []
            : [`${titleOf(claim)}: ${count} workloads use it`];
        }),
      ];
    },
  },
  {
    id: 'rwo-recreate',
    find: (objects) => {
      const own = new Set(
        ofKind(objects, 'PersistentVolumeClaim')
          .filter((claim) => !isShared(claim))
          .map(({ metadata }) => metadata.name),
      );
      return podsOf(objects)
        .filter(
          ({ owner, spec }) =>
            owner.kind === 'Deployment' && claimsOf(spec).some((claim) => own.has(claim)),
        )
        .filter(
          ({ owner }) =>
            at(owner, 'spec.strategy.type') !== 'Recreate' ||
            Number(at(owner, 'spec.replicas')) > 1,
        )
        .map(({ name }) => `${name}: on a claim of one pod a second pod waits for ever`);
    },
  },
  {
    id: 'ingress-backends',
    find: (objects) => {
      const services = new Map(
        ofKind(objects, 'Service').map((service) => [service.metadata.name, service]),
      );
      return ofKind(objects, 'Ingress').flatMap((ingress) =>
        listAt(ingress, 'spec.rules')
          .flatMap((rule) => listAt(rule, 'http.paths'))
          .filter((path) => {
            const service = services.get(textAt(path, 'backend.service.name') ?? '');
            const port = textAt(path, 'backend.service.port.name');
            return !listAt(service, 'spec.ports').some((open) => at(open, 'name') === port);
          })
          .map((path) => `${titleOf(ingress)}: ${textAt(path, 'path')} leads to no service`),
      );
    },
  },
  {
    id: 'secret-store-refs',
    find: (objects) => {
      const stores = new Set(ofKind(objects, 'SecretStore').map(({ metadata }) => metadata.name));
      const external = ofKind(objects, 'ExternalSecret');
      const made = new Set(external.map((secret) => textAt(secret, 'spec.target.name')));
      return [
        ...external
          .filter((secret) => !stores.has(textAt(secret, 'spec.secretStoreRef.name') ?? ''))
          .map((secret) => `${titleOf(secret)}: there is no such store`),
        ...podsOf(objects).flatMap(({ name, spec }) =>
          [
            ...listAt(spec, 'volumes').map((volume) => textAt(volume, 'secret.secretName')),
            ...listAt(spec, 'imagePullSecrets').map((secret) => textAt(secret, 'name')),
          ].flatMap((secret) =>
            secret === undefined || made.has(secret)
              ? []
              : [`${name}: nobody makes the secret ${secret}`],
          ),
        ),
      ];
    },
  },
];

function claimsOf(spec: Readonly<Record<string, unknown>>): string[] {
  return listAt(spec, 'volumes').flatMap(
    (volume) => textAt(recordAt(volume, 'persistentVolumeClaim'), 'claimName') ?? [],
  );
}

function isShared(claim: KubernetesObject): boolean {
  return listAt(claim, 'spec.accessModes').includes('ReadWriteMany');
}
