import { at, isRecord, listAt, recordAt, textAt } from './look.ts';
import type { Rule } from './rule.ts';
import { eachContainer, eachPod, security } from './rule.ts';

/** The volume types that Pod Security's "restricted" names. */
const VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** Kubernetes' own levels "baseline" and "restricted", as policy/check_*.go of pod-security-admission has them. */
export const POD_SECURITY_RULES: readonly Rule[] = [
  eachPod('pss-host', ({ spec }) => {
    const field = ['hostNetwork', 'hostPID', 'hostIPC'].find((name) => spec[name] === true);
    return field && `${field} shares a namespace of the node`;
  }),
  eachPod('pss-volumes', ({ spec }) => {
    const bad = listAt(spec, 'volumes').find((volume) =>
      Object.keys(recordAt({ volume }, 'volume')).some(
        (key) => key !== 'name' && !VOLUMES.has(key),
      ),
    );
    return bad !== undefined && `the volume ${textAt(bad, 'name')} has a type that is not allowed`;
  }),
  eachContainer('pss-ports', ({ node }) =>
    listAt(node, 'ports').some((port) => at(port, 'hostPort') !== undefined)
      ? 'hostPort takes a port of the node'
      : undefined,
  ),
  eachContainer(
    'pss-privilege',
    ({ node }) =>
      (at(node, 'securityContext.privileged') === true ||
        at(node, 'securityContext.allowPrivilegeEscalation') !== false) &&
      'it must not be privileged, nor be able to become so',
  ),
  eachContainer('pss-capabilities', ({ node }) => {
    const drops = listAt(node, 'securityContext.capabilities.drop').includes('ALL');
    const adds = listAt(node, 'securityContext.capabilities.add');
    return (!drops || adds.length > 0) && 'it drops ALL capabilities and adds none';
  }),
  eachContainer('pss-non-root', (container, pod) => {
    const isRoot = security(container, pod, 'runAsUser') === 0;
    return (
      (isRoot || security(container, pod, 'runAsNonRoot') !== true) && 'it must not run as root'
    );
  }),
  eachContainer('pss-seccomp', (container, pod) => {
    const type = security(container, pod, 'seccompProfile.type');
    return (
      type !== 'RuntimeDefault' &&
      type !== 'Localhost' &&
      'it needs a seccomp profile of the runtime'
    );
  }),
  eachContainer('pss-sysctl-procmount', ({ node }, { spec }) => {
    const procMount = at(node, 'securityContext.procMount') ?? 'Default';
    return (
      (procMount !== 'Default' || listAt(spec, 'securityContext.sysctls').length > 0) &&
      'neither kernel settings nor the whole of /proc are ours'
    );
  }),
  eachContainer('pss-host-probes', ({ node }) => {
    const handlers = ['startupProbe', 'livenessProbe', 'readinessProbe'].flatMap((probe) =>
      ['httpGet', 'tcpSocket'].map((kind) => at(node, `${probe}.${kind}`)),
    );
    return (
      handlers.some((handler) => isRecord(handler) && handler['host'] !== undefined) &&
      'a probe names no host: it asks the pod'
    );
  }),
];
