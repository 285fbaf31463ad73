import type { KubernetesObject } from '../build.ts';
import { at, listAt, recordAt, textAt, textsAt } from './look.ts';

/** One thing that must hold of everything that is applied together. */
export interface Rule {
  readonly id: string;
  /** What breaks it, each with the object: `Deployment/webhook: …`. */
  readonly find: (objects: readonly KubernetesObject[]) => readonly string[];
}

export interface Pod {
  readonly owner: KubernetesObject;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
}

export interface Container {
  readonly pod: string;
  readonly name: string;
  readonly isInit: boolean;
  readonly node: Readonly<Record<string, unknown>>;
}

const TEMPLATE: Readonly<Record<string, string>> = {
  Deployment: 'spec.template',
  StatefulSet: 'spec.template',
  Job: 'spec.template',
  CronJob: 'spec.jobTemplate.spec.template',
};

/** What would run: the pod templates of everything. */
export function podsOf(objects: readonly KubernetesObject[]): Pod[] {
  return objects.flatMap((owner) => {
    const template = TEMPLATE[owner.kind];
    if (template === undefined) {
      return [];
    }
    const name = titleOf(owner);
    const spec = recordAt(owner, `${template}.spec`);
    const containers = ['containers', 'initContainers'].flatMap((field) =>
      listAt(spec, field).map((node) => ({
        pod: name,
        name: textAt(node, 'name') ?? '',
        isInit: field === 'initContainers',
        node: recordAt({ node }, 'node'),
      })),
    );
    return [
      { owner, name, labels: textsAt(owner, `${template}.metadata.labels`), spec, containers },
    ];
  });
}

export function titleOf({ kind, metadata }: KubernetesObject): string {
  return `${kind}/${metadata.name}`;
}

export function ofKind(objects: readonly KubernetesObject[], kind: string): KubernetesObject[] {
  return objects.filter((object) => object.kind === kind);
}

/** A rule about single objects: what is wrong with one, if anything. */
export function eachObject(
  id: string,
  judge: (object: KubernetesObject) => string | false | undefined,
): Rule {
  return {
    id,
    find: (objects) => objects.flatMap((object) => finding(titleOf(object), judge(object))),
  };
}

export function eachPod(id: string, judge: (pod: Pod) => string | false | undefined): Rule {
  return { id, find: (objects) => podsOf(objects).flatMap((pod) => finding(pod.name, judge(pod))) };
}

export function eachContainer(
  id: string,
  judge: (container: Container, pod: Pod) => string | false | undefined,
): Rule {
  return {
    id,
    find: (objects) =>
      podsOf(objects).flatMap((pod) =>
        pod.containers.flatMap((container) =>
          finding(`${pod.name} ${container.name}`, judge(container, pod)),
        ),
      ),
  };
}

function finding(title: string, problem: string | false | undefined): string[] {
  return typeof problem === 'string' ? [`${title}: ${problem}`] : [];
}

/** A value of the container's security context, or of the pod's where the container says nothing. */
export function security(container: Container, pod: Pod, field: string): unknown {
  return at(container.node, `securityContext.${field}`) ?? at(pod.spec, `securityContext.${field}`);
}
