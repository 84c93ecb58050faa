import { describe, expect, type TestContext, test } from 'vitest';
import { kubernetesMinors } from '../../scripts/chart/downloads.ts';
import { type KubernetesObject, objectsOf, template } from '../../scripts/chart/helm.ts';
import { invalidValues, isCustom, unknownFields } from './support/custom-resources.ts';
import { createKubernetesCheck, type ObjectCheck } from './support/kubernetes-schemas.ts';
import { matrix, type OptionSet, valuesFiles } from './support/matrix.ts';
import { needs } from './support/needs.ts';

import { danglingNames, emptySelectors, unsafePods, wrongAutoscalers, wrongNames } from './support/release-rules.ts';

/** What is in the namespace before the release, in the option sets that use it. */
const given = [
  'Secret agent-secrets',
  'Secret shop',
  'Secret hugging-face',
  'ServiceAccount desk',
  'PersistentVolumeClaim weights',
];

type Rendered = { objects: KubernetesObject[]; byHelm3: KubernetesObject[]; complaints: string };

const renderings = new Map<string, Rendered>();

/** What both versions of Helm render; each option set is rendered once, by whichever test asks first. */
function renderingOf({ name, options }: OptionSet): Rendered {
  const known = renderings.get(name);
  if (known) return known;
  const [four, three] = [template({ ...options, major: 4 }), template({ ...options, major: 3 })];
  const rendering = {
    objects: objectsOf(four.stdout),
    byHelm3: objectsOf(three.stdout),
    complaints: four.stderr + three.stderr,
  };
  renderings.set(name, rendering);
  return rendering;
}

const allObjects = () => matrix.flatMap((set) => renderingOf(set).objects);

describe.each(matrix)('the chart, used with $name,', (set) => {
  test('renders the same with Helm 3 and 4', () => {
    const { objects, byHelm3, complaints } = renderingOf(set);
    expect(complaints).toBe('');
    expect(objects.length).toBeGreaterThan(3);
    expect(byHelm3).toEqual(objects);
  });

  test('renders objects that fit together, and pods that are safe', () => {
    const { objects } = renderingOf(set);
    expect(objects).not.toEqual([]);
    expect(wrongNames(objects, set.options.namespace ?? 'agents')).toEqual([]);
    expect(danglingNames(objects, given)).toEqual([]);
    expect(emptySelectors(objects)).toEqual([]);
    expect(wrongAutoscalers(objects)).toEqual([]);
    expect(unsafePods(objects)).toEqual([]);
  });
});

test('the matrix uses every values file, and has thirty option sets or more', () => {
  const used = matrix.flatMap(({ options }) => options.valuesFiles ?? []);
  expect(valuesFiles.slice(1).filter((file) => !used.includes(file))).toEqual([]);
  expect(matrix.length).toBeGreaterThanOrEqual(30);
});

describe.each(kubernetesMinors)('Kubernetes %s', (minor) => {
  let known: ObjectCheck | undefined;
  const checkFor = (context: TestContext): ObjectCheck => {
    known ??= needs(context, 'schemas of Kubernetes (python3 with pip fetches them)', () =>
      createKubernetesCheck(minor),
    );
    return known;
  };

  test(`knows every field of every object that the chart renders, as of ${minor}`, (context) => {
    const check = checkFor(context);
    const own = allObjects().filter((object) => !isCustom(object));
    expect(own.length).toBeGreaterThan(300);
    expect(own.flatMap(check)).toEqual([]);
  });

  test(`would refuse a field that ${minor} does not know, and a value of the wrong type`, (context) => {
    const check = checkFor(context);
    const pod = { spec: { containers: [{ name: 'a', image: 'a', securtyContext: {} }], priority: 'high' } };
    const broken = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'broken' }, ...pod };
    expect(check(broken)).toEqual([
      expect.stringContaining(
        '/spec/containers/0: must NOT have additional properties {"additionalProperty":"securtyContext"}',
      ),
      expect.stringContaining('/spec/priority: must be integer'),
    ]);
  });
});

describe('custom resources', () => {
  const custom = () => allObjects().filter(isCustom);

  test('have only fields that their makers know, with values in bounds', async () => {
    const kinds = new Set(custom().map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([
      'ExternalSecret',
      'HTTPRoute',
      'PodMonitor',
      'PrometheusRule',
      'ScaledObject',
      'ServiceMonitor',
    ]);
    expect(unknownFields(custom())).toEqual([]);
    expect(await invalidValues(custom())).toEqual([]);
  });

  test('with an unknown field, or a value out of bounds, would be found', async () => {
    const route = structuredClone(custom().find(({ kind }) => kind === 'HTTPRoute')) as KubernetesObject;
    const { rules } = route.spec as { rules: Record<string, unknown>[] };
    Object.assign(rules[0] ?? {}, { timeout: { request: '0s' } });
    expect(unknownFields([route])).toEqual([expect.stringContaining('"timeout"')]);
    Object.assign(rules[0] ?? {}, { timeouts: { request: 'for ever' } });
    expect(await invalidValues([route])).toEqual([expect.stringContaining('HTTPRoute agent-service')]);
  });
});
