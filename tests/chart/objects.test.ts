import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { chartFolder, render } from '../../scripts/chart/helm.ts';
import { settingsTable } from '../../src/platform/settings.ts';
import { containerOf, find, findPod, namesOf } from './support/find.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = join(import.meta.dirname, '../..');
const of = (values: Record<string, unknown>, ...valuesFiles: string[]) => render({ values, valuesFiles });
const keda = { provider: 'keda', keda: { serverAddress: 'http://prometheus:9090' } };
const hosts = ['desk.example.com'];

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

  test('a drain of nodes takes one pod at a time, and a pod that does not work keeps nobody', () => {
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
    const differing = Object.entries(data).filter(
      ([name, value]) =>
        name in table &&
        String(Number(value) || value) !== String(Number(table[name]?.default) || table[name]?.default),
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

describe('the autoscaler', () => {
  test('looks at the CPU alone where it was told so', () => {
    const { spec } = find(
      of({ autoscaling: { demand: { enabled: false } }, metrics: { provider: 'none' } }),
      'HorizontalPodAutoscaler',
    );
    expect(spec.metrics).toHaveLength(1);
  });

  test('aims at a share of the places that a pod has', () => {
    const { spec } = find(of({ config: { MAX_CONCURRENT_RUNS: 80 } }), 'HorizontalPodAutoscaler');
    expect(spec.metrics[1].external.target.averageValue).toBe('60');
  });

  test('finds the figures of its release alone', () => {
    const selectorOf = (options: Parameters<typeof render>[0], name: string) =>
      find(render(options), 'HorizontalPodAutoscaler', name).spec.metrics[1].external.metric.selector.matchLabels;
    expect(selectorOf({ release: 'desk' }, 'desk-agent-service')).toEqual({ app_kubernetes_io_instance: 'desk' });
    expect(selectorOf({ values: { metrics: { selector: { job: 'desk' } } } }, 'agent-service')).toMatchObject({
      job: 'desk',
    });
  });

  test('is a ScaledObject alone with KEDA, with the same numbers', () => {
    const objects = of({ metrics: keda });
    expect(namesOf(objects, 'HorizontalPodAutoscaler')).toEqual([]);
    const { spec } = find(objects, 'ScaledObject');
    const { spec: hpa } = find(render(), 'HorizontalPodAutoscaler');
    expect(spec).toMatchObject({
      scaleTargetRef: hpa.scaleTargetRef,
      minReplicaCount: hpa.minReplicas,
      maxReplicaCount: hpa.maxReplicas,
      fallback: { replicas: 3 },
      advanced: { horizontalPodAutoscalerConfig: { behavior: hpa.behavior } },
      triggers: [
        { type: 'cpu', metricType: 'Utilization', metadata: { value: '70' } },
        {
          type: 'prometheus',
          metricType: 'AverageValue',
          metadata: {
            serverAddress: 'http://prometheus:9090',
            query: 'max(agent_service_demand{namespace="agents",app_kubernetes_io_instance="agent-service"})',
            threshold: '37.5',
          },
        },
      ],
    });
  });

  test('is not there where somebody else scales, or nobody does', () => {
    for (const managedElsewhere of [true, false]) {
      const objects = of({ autoscaling: { enabled: false, managedElsewhere } });
      for (const kind of ['HorizontalPodAutoscaler', 'ScaledObject']) expect(namesOf(objects, kind)).toEqual([]);
    }
  });

  test('has the number of pods to itself, where replicaCount is null', () => {
    expect(find(of({ replicaCount: null }), 'Deployment').spec).not.toHaveProperty('replicas');
  });
});

describe('the ways in', () => {
  test('a route of the Gateway API lets streams last as long as their runs', () => {
    const { spec } = find(
      of({ httpRoute: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: hosts } }),
      'HTTPRoute',
    );
    expect(spec).toMatchObject({
      parentRefs: [{ name: 'public' }],
      hostnames: hosts,
      rules: [{ timeouts: { request: '0s' }, backendRefs: [{ name: 'agent-service', port: 8000 }] }],
    });
  });

  test('an Ingress has TLS, and lets streams through unbuffered and for an hour', () => {
    const { spec, metadata } = find(
      of({ ingress: { enabled: true, className: 'haproxy', hosts, tlsSecretName: 'tls' } }),
      'Ingress',
    );
    expect(spec).toMatchObject({
      ingressClassName: 'haproxy',
      tls: [{ secretName: 'tls', hosts }],
      rules: [
        {
          host: hosts[0],
          http: { paths: [{ backend: { service: { name: 'agent-service', port: { name: 'http' } } } }] },
        },
      ],
    });
    expect(metadata.annotations).toMatchObject({
      'haproxy.org/timeout-server': '3600s',
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
      'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
    });
  });
});

describe('the policy', () => {
  type Rule = { to?: { ipBlock?: { cidr: string; except?: string[] } }[]; from?: unknown[]; ports: { port: number }[] };
  const policy = find(render(), 'NetworkPolicy').spec as { policyTypes: string[]; ingress: Rule[]; egress: Rule[] };
  const portsOf = (rules: Rule[]) => rules.flatMap(({ ports }) => ports.map(({ port }) => port));

  test('denies what it does not name, in both directions', () => {
    expect(policy.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(portsOf(policy.ingress)).toEqual([8000, 9464]);
    expect(new Set(portsOf(policy.egress))).toEqual(new Set([53, 8000, 5432, 443]));
  });

  test('lets nobody reach private addresses, or those of credentials, by TLS', () => {
    const tls = policy.egress.find(({ ports }) => ports.some(({ port }) => port === 443));
    expect(tls?.to).toMatchObject([
      {
        ipBlock: { cidr: '0.0.0.0/0', except: expect.arrayContaining(['169.254.0.0/16', '10.0.0.0/8', '127.0.0.0/8']) },
      },
      { ipBlock: { cidr: '::/0', except: expect.arrayContaining(['fc00::/7', 'fe80::/10']) } },
    ]);
  });

  test('names the port of a pooler, and no database where there is none', () => {
    const pooled = find(of({ networkPolicy: { databasePorts: [6432] } }), 'NetworkPolicy').spec.egress as Rule[];
    expect(portsOf(pooled)).toContain(6432);
    expect(portsOf(pooled)).not.toContain(5432);
    const embedded = of({ networkPolicy: { enabled: true } }, 'values-dev.yaml');
    expect(portsOf(find(embedded, 'NetworkPolicy').spec.egress)).not.toContain(5432);
  });
});

describe('secrets', () => {
  test('that an operator makes come from its store, under the name that pods read', () => {
    const external = {
      secretStoreRef: { name: 'vault', kind: 'ClusterSecretStore' },
      dataFrom: [{ extract: { key: 'desk' } }],
    };
    const objects = of({ secret: { source: 'external', external } });
    expect(find(objects, 'ExternalSecret', 'agent-secrets').spec).toMatchObject({
      ...external,
      target: { name: 'agent-secrets', creationPolicy: 'Owner' },
    });
    expect(namesOf(objects, 'Secret')).toEqual([]);
  });

  test('never stand in the ConfigMap, nor in what a pod shows of itself', () => {
    const DATABASE_URL = 'postgres://agent:pass-word-1@db/agent';
    const values = { secret: { source: 'create', values: { OPENAI_API_KEY: 'sk-very-secret-1', DATABASE_URL } } };
    const shown = of(values).filter(({ kind }) => kind !== 'Secret');
    expect(JSON.stringify(shown)).not.toMatch(/sk-very-secret-1|pass-word-1/);
  });

  test('that a cloud identity replaces are a matter of annotations of the ServiceAccount', () => {
    const annotations = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/desk' };
    expect(find(of({ serviceAccount: { annotations } }), 'ServiceAccount')).toMatchObject({
      metadata: { annotations },
      automountServiceAccountToken: false,
    });
  });
});

describe('the migration', () => {
  const hook = (kind: string, name: string, values: Record<string, unknown>) =>
    find(of(values), kind, name).metadata.annotations as Record<string, string>;

  test('runs before a release is installed or upgraded, and leaves nothing behind', () => {
    expect(hook('Job', 'agent-service-migrate', {})).toMatchObject({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
    });
    expect(containerOf(findPod(render(), 'Job', 'agent-service-migrate')).args).toEqual(['migrate']);
  });

  test('has its part of a Secret that the release makes later, made before it', () => {
    const values = {
      secret: { source: 'create', values: { OPENAI_API_KEY: 'sk-1234567890', DATABASE_URL: 'postgres://db/agent' } },
    };
    const secret = find(of(values), 'Secret', 'agent-service-migrate');
    expect(secret.stringData).toEqual({ DATABASE_URL: 'postgres://db/agent' });
    const weightOf = (kind: string) => Number(hook(kind, 'agent-service-migrate', values)['helm.sh/hook-weight']);
    expect(weightOf('Secret')).toBeLessThan(weightOf('Job'));
  });

  test('is left to the first pod where the database comes with the release, or is in the pod', () => {
    expect(namesOf(of({}, 'values-dev.yaml'), 'Job')).toEqual([]);
    expect(namesOf(of({ migration: { enabled: false } }), 'Job')).toEqual([]);
  });
});

describe('a trial', () => {
  const objects = of({}, 'values-dev.yaml');

  test('has one pod with its store on a volume that outlives the release, and is replaced whole', () => {
    expect(find(objects, 'Deployment').spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(containerOf(findPod(objects)).volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' });
    expect(find(objects, 'ConfigMap', 'agent-config').data).toMatchObject({
      DATA_DIR: '/data',
      APP_ENV: 'development',
    });
    const claim = find(objects, 'PersistentVolumeClaim', 'agent-service-data');
    expect(claim.metadata.annotations['helm.sh/resource-policy']).toBe('keep');
  });

  test('needs no Secret', () => {
    expect(containerOf(findPod(objects)).envFrom).toEqual([{ configMapRef: { name: 'agent-config' } }]);
  });

  test('on the bundled Postgres lets nobody but its own pods reach the database', () => {
    const bundled = of({
      config: { APP_ENV: 'staging' },
      secret: { source: 'create', values: { OPENAI_API_KEY: 'sk-1234567890' } },
      database: { mode: 'bundled', bundled: { password: 'a-trial' } },
    });
    expect(find(bundled, 'Secret', 'agent-service-postgres').stringData.DATABASE_URL).toBe(
      'postgres://agent:a-trial@agent-service-postgres:5432/agent',
    );
    const { ingress, egress } = find(bundled, 'NetworkPolicy', 'agent-service-postgres').spec;
    expect(ingress[0].from).toEqual([
      { podSelector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/instance': 'agent-service' }) } },
    ]);
    expect(egress).toBeUndefined();
  });
});

describe('the inference pool', () => {
  const objects = of({ inference: { enabled: true, gpus: 2, nodeSelector: { pool: 'gpu' } } });
  const pod = findPod(objects, 'Deployment', 'agent-service-inference');
  const container = containerOf(pod);

  test('is on nodes with GPUs, which others stay away from', () => {
    expect(container.resources.limits['nvidia.com/gpu']).toBe(2);
    expect(container.resources.requests).not.toHaveProperty(['nvidia.com/gpu']);
    expect(container.args).toContain('--tensor-parallel-size=2');
    expect(pod.spec).toMatchObject({
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    });
  });

  test('waits for no GPU that its old pods have, when a version replaces another', () => {
    expect(find(objects, 'Deployment', 'agent-service-inference').spec.strategy.rollingUpdate).toEqual({
      maxSurge: 0,
      maxUnavailable: 1,
    });
  });

  test('has half an hour to load a model, and keeps it on a volume', () => {
    const { periodSeconds, failureThreshold } = container.startupProbe as {
      periodSeconds: number;
      failureThreshold: number;
    };
    expect(periodSeconds * failureThreshold).toBe(1800);
    expect(container.volumeMounts).toContainEqual({ name: 'models', mountPath: '/models', readOnly: false });
    expect(container.env).toContainEqual({ name: 'HF_HOME', value: '/models' });
    expect(namesOf(objects, 'PersistentVolumeClaim')).toEqual(['agent-service-inference-cache']);
  });

  test('has shared memory, and no environment from Services', () => {
    expect(pod.spec.volumes).toContainEqual({ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '8Gi' } });
    expect(pod.spec.enableServiceLinks).toBe(false);
  });

  test('lets requests finish when a pod ends', () => {
    expect(container.args).toContain('--shutdown-timeout=60');
    expect(pod.spec.terminationGracePeriodSeconds).toBe(5 + 60 + 15);
  });

  test('is ready when it has its model, and when it has a key, as soon as it lives', () => {
    expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/v1/models' } });
    expect(container.livenessProbe).toMatchObject({ httpGet: { path: '/health' } });
    const withKey = containerOf(
      findPod(
        of({ inference: { enabled: true, apiKeySecretKey: 'OPENAI_API_KEY' } }),
        'Deployment',
        'agent-service-inference',
      ),
    );
    expect(withKey.readinessProbe).toMatchObject({ httpGet: { path: '/health' } });
    expect(withKey.env).toContainEqual({
      name: 'VLLM_API_KEY',
      valueFrom: { secretKeyRef: { name: 'agent-secrets', key: 'OPENAI_API_KEY' } },
    });
  });

  test('scales on waiting requests, and keeps pods that are busy', () => {
    const values = { inference: { enabled: true, cache: { enabled: false }, autoscaling: { enabled: true } } };
    const { spec } = find(of(values), 'HorizontalPodAutoscaler', 'agent-service-inference');
    const metrics = spec.metrics as { external: { metric: { name: string }; target: { averageValue: string } } }[];
    expect(metrics.map(({ external }) => [external.metric.name, external.target.averageValue])).toEqual([
      ['agent_service_inference_waiting', '5'],
      ['agent_service_inference_running', '48'],
    ]);
    const scaled = find(of({ ...values, metrics: keda }), 'ScaledObject', 'agent-service-inference');
    expect(scaled.spec.triggers).toMatchObject([
      { metadata: { query: expect.stringMatching(/^sum\(vllm:num_requests_waiting{.+}\)$/), threshold: '5' } },
      { metadata: { query: expect.stringMatching(/^sum\(vllm:num_requests_running{.+}\)$/), threshold: '48' } },
    ]);
  });

  test('is asked first, or where the first provider fails', () => {
    const settingsOf = (role: string) =>
      find(of({ inference: { enabled: true, role } }), 'ConfigMap', 'agent-config').data;
    const url = 'http://agent-service-inference:8000/v1';
    expect(settingsOf('first')).toMatchObject({ OPENAI_BASE_URL: url, OPENAI_MODEL: 'Qwen/Qwen2.5-7B-Instruct' });
    expect(settingsOf('fallback')).toMatchObject({ FALLBACK_OPENAI_BASE_URL: url, OPENAI_MODEL: 'gpt-4.1' });
    expect(settingsOf('fallback')).not.toHaveProperty('OPENAI_BASE_URL');
  });

  test('is reached by pods of its release alone, and loads nothing where its weights are there', () => {
    const offline = of({ inference: { enabled: true, cache: { existingClaim: 'weights', offline: true } } });
    const { spec } = find(offline, 'NetworkPolicy', 'agent-service-inference');
    expect(spec.ingress[0].from[0].podSelector.matchLabels).toMatchObject({
      'app.kubernetes.io/instance': 'agent-service',
    });
    expect(spec.egress).toEqual([]);
  });
});

describe('figures', () => {
  test('are found by annotations, a ServiceMonitor or a PodMonitor, one of them at a time', () => {
    const scrapedBy = (scrape: string) => {
      const objects = of({ metrics: { scrape } });
      const annotated = 'prometheus.io/scrape' in findPod(objects).annotations;
      return [annotated, namesOf(objects, 'ServiceMonitor').length, namesOf(objects, 'PodMonitor').length];
    };
    expect(scrapedBy('annotations')).toEqual([true, 0, 0]);
    expect(scrapedBy('serviceMonitor')).toEqual([false, 1, 0]);
    expect(scrapedBy('podMonitor')).toEqual([false, 0, 1]);
    expect(scrapedBy('elsewhere')).toEqual([false, 0, 0]);
  });

  test('carry the name of the release, by which the autoscaler finds them', () => {
    const monitor = find(of({ metrics: { scrape: 'serviceMonitor' } }), 'ServiceMonitor');
    expect(monitor.spec.podTargetLabels).toContain('app.kubernetes.io/instance');
  });
});
