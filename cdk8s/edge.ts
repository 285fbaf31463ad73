import { COMPONENTS } from './components.ts';
import type { Environment } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { metadata } from './manifest.ts';

/**
 * One host, two paths. The load balancer before nginx, and where logs go, are the platform's: nothing here makes one.
 */
export function edgeManifests({ host, tls }: Environment): Manifest[] {
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        ...metadata('auto-dev', 'edge'),
        annotations: {
          // Where TLS ends before nginx, nginx sees plain HTTP always: to redirect that is a loop.
          'nginx.ingress.kubernetes.io/ssl-redirect': tls.at === 'nginx' ? 'true' : 'false',
          // Pages follow what happens over one answer that does not end: it may be silent for long, and nothing of
          // it may be kept back.
          'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
          'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
          'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
          // GitLab's largest events: a push of many commits.
          'nginx.ingress.kubernetes.io/proxy-body-size': '10m',
          'nginx.ingress.kubernetes.io/limit-rps': '50',
        },
      },
      spec: {
        ingressClassName: 'nginx',
        ...(tls.at === 'nginx' && {
          tls: [{ hosts: [host], ...(tls.secret !== undefined && { secretName: tls.secret }) }],
        }),
        rules: [{ host, http: { paths: backends() } }],
      },
    },
  ];
}

/** The longer path first, as people read it; nginx takes the longest that matches. */
function backends() {
  return COMPONENTS.flatMap(({ name, path }) => (path === undefined ? [] : [{ name, path }]))
    .sort((a, b) => b.path.length - a.path.length)
    .map(({ name, path }) => ({
      path,
      pathType: 'Prefix' as const,
      backend: { service: { name, port: { name: 'http' } } },
    }));
}
