import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chartFolder, render } from '../../scripts/chart/helm.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { settingsTable } from '../../src/platform/settings/settings-table.ts';
import { containerOf, find, findPod, namesOf } from './support/find.ts';

const root = join(import.meta.dirname, '../..');
const of = (values: Record<string, unknown>, ...valuesFiles: string[]) => render({ values, valuesFiles });

describe('by default', () => {
  const objects = render();
  const deployment = find(objects, 'Deployment');
  const pod = findPod(objects);
  const container = containerOf(pod);

  test('three pods are asked for, and none goes before a new one is ready', () => {
    expect(deployment.spec).toMatchObject({
      replicas: 3,
      minReadySeconds: 5,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
  });

  test('a pod asks for 256Mi and 250m, and may use 512Mi and 1000m', () => {
    expect(container.resources.requests).toMatchObject({ memory: '256Mi', cpu: '250m' });
    expect(container.resources.limits).toMatchObject({ memory: '512Mi', cpu: '1000m' });
  });

  test('probes ask port 8000 as often as the rollout needs', () => {
    expect(container.ports).toContainEqual({ name: 'http', containerPort: 8000, protocol: 'TCP' });
    expect(container.livenessProbe).toMatchObject({
      httpGet: { path: '/healthz', port: 'http' },
      initialDelaySeconds: 10,
      periodSeconds: 30,
    });
    expect(container.readinessProbe).toMatchObject({
      httpGet: { path: '/readyz', port: 'http' },
      initialDelaySeconds: 5,
      periodSeconds: 10,
    });
    expect(container.startupProbe).toMatchObject({
      httpGet: { path: '/healthz', port: 'http' },
      periodSeconds: 2,
      failureThreshold: 30,
    });
  });

  test('settings come from the ConfigMap agent-config and the Secret agent-secrets', () => {
    expect(container.envFrom).toEqual([
      { configMapRef: { name: 'agent-config' } },
      { secretRef: { name: 'agent-secrets' } },
    ]);
    expect(namesOf(objects, 'ConfigMap')).toEqual(['agent-config']);
    expect(namesOf(objects, 'Secret')).toEqual([]);
  });

  test('a pod has one process, which does everything, on the ports that Services and probes know', () => {
    const { data } = find(objects, 'ConfigMap', 'agent-config');
    expect(data).toMatchObject({ WEB_CONCURRENCY: '1', PORT: '8000', METRICS_PORT: '9464', HOST: '0.0.0.0' });
    expect(container.env).toEqual([{ name: 'PROCESS_ROLE', value: 'all' }]);
    expect(namesOf(objects, 'Deployment')).toEqual(['agent-service']);
  });

  test('a pod has a root file system that cannot be written to, and a small /tmp', () => {
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    expect(container.volumeMounts).toEqual([{ name: 'tmp', mountPath: '/tmp' }]);
    expect(pod.spec.volumes).toEqual([{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }]);
  });

  test('pods are spread over zones and nodes, each version by itself', () => {
    const spread = { whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: ['pod-template-hash'] };
    expect(pod.spec.topologySpreadConstraints).toMatchObject([
      { topologyKey: 'topology.kubernetes.io/zone', ...spread },
      { topologyKey: 'kubernetes.io/hostname', ...spread },
    ]);
  });

  test('the autoscaler keeps two to twenty pods, on the CPU and on three quarters of the places', () => {
    const { spec } = find(objects, 'HorizontalPodAutoscaler');
    expect(spec).toMatchObject({
      scaleTargetRef: { kind: 'Deployment', name: 'agent-service' },
      minReplicas: 2,
      maxReplicas: 20,
      metrics: [
        { resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
        {
          external: {
            metric: { name: 'agent_service_demand' },
            target: { type: 'AverageValue', averageValue: '37500m' },
          },
        },
      ],
    });
  });

  test('four pods may come in a minute, and two may go in two', () => {
    expect(find(objects, 'HorizontalPodAutoscaler').spec.behavior).toMatchObject({
      scaleUp: { stabilizationWindowSeconds: 60, policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] },
      scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Pods', value: 2, periodSeconds: 120 }] },
    });
  });

  test('a drain of nodes takes one pod at a time, and a pod that is not ready does not block it', () => {
    expect(find(objects, 'PodDisruptionBudget').spec).toMatchObject({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });
  });

  test('nothing lets requests in from outside of the cluster', () => {
    expect(find(objects, 'Service').spec).toMatchObject({ type: 'ClusterIP', ports: [{ appProtocol: 'http' }] });
    for (const kind of ['HTTPRoute', 'Ingress']) expect(namesOf(objects, kind)).toEqual([]);
  });

  test('nothing needs more than Kubernetes itself has', () => {
    const groups = new Set(objects.map(({ apiVersion }) => apiVersion.split('/').at(-2) ?? ''));
    expect([...groups].sort()).toEqual(['', 'apps', 'autoscaling', 'batch', 'networking.k8s.io', 'policy']);
  });
});

describe('the end of a pod', () => {
  const graceOf = (values: Record<string, unknown>) => findPod(of(values)).spec.terminationGracePeriodSeconds;

  test('has the time that the sleep, the delay, the grace and the closing take, and five seconds to spare', () => {
    expect(graceOf({})).toBe(5 + 3 + 35 + 16 + 5);
    expect(
      graceOf({ config: { PRESTOP_DELAY: '1.5', SHUTDOWN_GRACE: 90 }, shutdown: { preStopSleepSeconds: 15 } }),
    ).toBe(128);
  });

  test('counts as closing what the process allows itself', () => {
    const deploys = readFileSync(join(root, 'docs/deploys.md'), 'utf8');
    expect(deploys).toContain('preStop hook + `PRESTOP_DELAY` + `SHUTDOWN_GRACE` + 16**');
  });

  test('begins with a sleep by the kubelet, which needs no shell, unless there is none', () => {
    const sleeping = containerOf(findPod(of({ shutdown: { preStopSleepSeconds: 20 } })));
    expect(sleeping.lifecycle).toEqual({ preStop: { sleep: { seconds: 20 } } });
    expect(containerOf(findPod(of({ shutdown: { preStopSleepSeconds: 0 } }))).lifecycle).toBeUndefined();
  });

  test('is the same for a worker', () => {
    const objects = of({ worker: { enabled: true } });
    const [api, worker] = [findPod(objects), findPod(objects, 'Deployment', 'agent-service-worker')];
    expect(worker.spec.terminationGracePeriodSeconds).toBe(api.spec.terminationGracePeriodSeconds);
    expect(containerOf(worker).lifecycle).toEqual(containerOf(api).lifecycle);
  });
});

describe('a new version', () => {
  const podWith = (values: Record<string, unknown>) => findPod(of(values));

  test('of the settings replaces the pods', () => {
    const before = podWith({}).annotations['checksum/config'];
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(podWith({ config: { LOG_LEVEL: 'DEBUG' } }).annotations['checksum/config']).not.toBe(before);
    expect(podWith({ image: { tag: '2' } }).annotations['checksum/config']).toBe(before);
  });

  test('of a Secret that the chart makes replaces the pods', () => {
    const withKey = (OPENAI_API_KEY: string) =>
      podWith({ secret: { source: 'create', values: { OPENAI_API_KEY, DATABASE_URL: 'postgres://db/agent' } } });
    expect(withKey('sk-1234567890').annotations['checksum/secret']).not.toBe(
      withKey('sk-0987654321').annotations['checksum/secret'],
    );
  });

  test('is deployed by its digest where there is one, else by its tag, else by that of the chart', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const imageWith = (image: Record<string, string>) => containerOf(podWith({ image })).image;
    expect(imageWith({ repository: 'registry.example.com/desk', tag: '2.1', digest })).toBe(
      `registry.example.com/desk@${digest}`,
    );
    expect(imageWith({ tag: '2.1' })).toBe('agent-service:2.1');
    const { appVersion } = parse(readFileSync(join(chartFolder, 'Chart.yaml'), 'utf8')) as { appVersion: string };
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(imageWith({})).toBe(`agent-service:${appVersion}`);
    expect(appVersion).toBe(version);
  });

  test('changes no field that Kubernetes does not let change', () => {
    const fixed = (values: Record<string, unknown>) =>
      of({ ...values, worker: { enabled: true } })
        .filter(({ kind }) => kind === 'Deployment')
        .map((deployment) => [
          deployment.metadata.name,
          find([deployment], 'Deployment', deployment.metadata.name).spec.selector,
        ]);
    const before = fixed({});
    expect(
      fixed({
        image: { tag: '2' },
        commonLabels: { team: 'a' },
        podLabels: { tier: 'b' },
        config: { LOG_LEVEL: 'DEBUG' },
      }),
    ).toEqual(before);
  });
});

describe('settings', () => {
  test('large numbers arrive as they were written', () => {
    const { data } = find(
      of({ config: { MAX_INPUT_CHARS: 5_000_000, OPENAI_TIMEOUT: 2.5 } }),
      'ConfigMap',
      'agent-config',
    );
    expect(data).toMatchObject({ MAX_INPUT_CHARS: '5000000', OPENAI_TIMEOUT: '2.5' });
  });

  test('that the chart gives by default are settings of the service, with defaults that differ only where a pod does', () => {
    const { data } = find(render(), 'ConfigMap', 'agent-config') as { data: Record<string, string> };
    const table: Record<string, { default?: string }> = settingsTable;
    // Its default depends on another setting, so that the table has none.
    const modelDefault = parseSettings({ APP_ENV: 'test' }).openai.model;
    const defaultOf = (name: string) => (name === 'OPENAI_MODEL' ? modelDefault : table[name]?.default);
    const differing = Object.entries(data).filter(
      ([name, value]) =>
        name in table && String(Number(value) || value) !== String(Number(defaultOf(name)) || defaultOf(name)),
    );
    expect(differing.map(([name]) => name).filter((name) => !['AUTH_MODE', 'WEB_CONCURRENCY'].includes(name))).toEqual([
      'PRESTOP_DELAY',
    ]);
  });
});

describe('workers', () => {
  const objects = of({ worker: { enabled: true, maxReplicas: 8 } });
  const worker = findPod(objects, 'Deployment', 'agent-service-worker');

  test('execute runs in the background, and the pods that answer requests leave them to them', () => {
    expect(containerOf(worker).env).toContainEqual({ name: 'PROCESS_ROLE', value: 'worker' });
    expect(containerOf(findPod(objects)).env).toContainEqual({ name: 'PROCESS_ROLE', value: 'api' });
  });

  test('get no requests, and are probed on the port that every process has', () => {
    expect(find(objects, 'Service').spec.selector['app.kubernetes.io/component']).toBe('api');
    expect(worker.labels['app.kubernetes.io/component']).toBe('worker');
    expect(containerOf(worker).ports).toEqual([{ name: 'metrics', containerPort: 9464, protocol: 'TCP' }]);
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
      expect(containerOf(worker)[probe]).toMatchObject({ httpGet: { port: 'metrics' } });
    }
  });

  test('have an autoscaler and a budget of their own', () => {
    expect(find(objects, 'HorizontalPodAutoscaler', 'agent-service-worker').spec.maxReplicas).toBe(8);
    expect(namesOf(objects, 'PodDisruptionBudget')).toEqual(['agent-service', 'agent-service-worker']);
  });
});
