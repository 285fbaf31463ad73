import { expect, test } from 'vitest';

import type { KubernetesObject } from '../build.ts';
import { ENVIRONMENTS, environmentOf, objectsOf, WITH_EVERYTHING } from './environment-fixture.ts';
import { titleOf } from './rule.ts';
import { typeErrors } from './typed-literals.ts';

test('every object of every environment is what its kind says, to the last field', async () => {
  const objects = [
    ...ENVIRONMENTS.flatMap((name) => objectsOf(environmentOf(name))),
    ...objectsOf(environmentOf('prod', ...WITH_EVERYTHING)),
  ];

  expect(await typeErrors(objects)).toEqual([]);
});

test('an unknown field and a wrong value are found, in objects of every group', async () => {
  const objects = objectsOf(environmentOf('prod', ...WITH_EVERYTHING));
  const broken = [
    'Deployment',
    'CiliumNetworkPolicy',
    'ExternalSecret',
    'PrometheusRule',
    'ScaledObject',
    'CronJob',
  ].flatMap((kind) => {
    const object = objects.find((candidate) => candidate.kind === kind);
    return object === undefined
      ? []
      : [
          withField(object, 'colour', 'red'),
          withField(object, 'schedule', 5),
          withField(object, 'groups', 5),
        ];
  });

  const errors = await typeErrors(broken);

  expect(new Set(errors.map((error) => error.split(':')[0]))).toEqual(new Set(broken.map(titleOf)));
  // Three faults for each of six objects.
  expect(errors).toHaveLength(broken.length);
});

function withField(object: KubernetesObject, field: string, value: unknown): KubernetesObject {
  const { spec } = object;
  return { ...object, spec: { ...(typeof spec === 'object' ? spec : {}), [field]: value } };
}
