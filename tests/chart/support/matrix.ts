import type { RenderOptions } from '../../../scripts/chart/helm.ts';

/** A way to use the chart. */
export type OptionSet = { name: string; options: RenderOptions };

const with_ = (name: string, values: Record<string, unknown>, valuesFiles: string[] = []): OptionSet => ({
  name,
  options: { values, valuesFiles },
});

const digest = `sha256:${'1a2b3c4d'.repeat(8)}`;
const secretValues = {
  OPENAI_API_KEY: 'sk-real-looking-0123456789',
  ADMIN_API_KEY: 'admin-0123456789abcdef',
  DATABASE_URL: 'postgres://agent:secret@db.internal:5432/agent',
};
const keda = { provider: 'keda', keda: { serverAddress: 'http://prometheus-operated.monitoring:9090' } };
const external = {
  source: 'external',
  external: {
    secretStoreRef: { name: 'vault', kind: 'ClusterSecretStore' },
    dataFrom: [{ extract: { key: 'agent-service' } }],
  },
};
const bundled = {
  config: { APP_ENV: 'staging' },
  secret: { source: 'create', values: { OPENAI_API_KEY: secretValues.OPENAI_API_KEY } },
  database: { mode: 'bundled', bundled: { password: 'a-trial' } },
};
const shared = { enabled: true, cache: { accessModes: ['ReadWriteMany'], storageClassName: 'filestore' } };

/** Values files of the chart that are meant to be used. */
export const valuesFiles = ['values.yaml', 'values-dev.yaml', 'values-staging.yaml', 'values-production.yaml'];

/** Ways to use the chart, each of which has to render objects that Kubernetes takes. */
export const matrix: OptionSet[] = [
  with_('the defaults', {}),
  with_('development', {}, ['values-dev.yaml']),
  with_('staging', {}, ['values-staging.yaml']),
  with_('production', {}, ['values-production.yaml']),
  { name: 'another name and namespace', options: { release: 'desk', namespace: 'support' } },
  { name: 'a release with a long name', options: { release: 'a-release-whose-name-is-as-long-as-helm-allows-it-53' } },
  with_('names of its own', {
    nameOverride: 'desk',
    fullnameOverride: 'support-desk',
    commonLabels: { team: 'support' },
  }),
  with_('an image by digest from a private registry', {
    image: { repository: 'registry.example.com/desk', digest, pullSecrets: [{ name: 'pull' }], pullPolicy: 'Always' },
  }),
  with_('an image whose command line has another place', {
    image: { commandLine: ['node', 'node_modules/agent-service/bin/agent-service.mjs'] },
  }),
  with_('a fixed number of pods', { autoscaling: { enabled: false }, metrics: { provider: 'none', scrape: 'none' } }),
  with_('a number of pods left to Argo CD and an autoscaler', { replicaCount: null }),
  with_('an autoscaler outside of the chart', { autoscaling: { enabled: false, managedElsewhere: true } }),
  with_('the autoscaler on CPU alone', { autoscaling: { demand: { enabled: false } }, metrics: { provider: 'none' } }),
  with_('the autoscaler on demand alone', { autoscaling: { cpu: { enabled: false } } }),
  with_('a quarter of 7 places', {
    config: { MAX_CONCURRENT_RUNS: 7 },
    autoscaling: { demand: { targetRatio: 0.25 } },
  }),
  with_('KEDA', { metrics: keda }),
  with_('KEDA with authentication, on CPU alone', {
    metrics: { ...keda, keda: { ...keda.keda, authenticationRef: 'prometheus' } },
    autoscaling: { demand: { enabled: false } },
  }),
  with_('KEDA on demand alone, with authentication', {
    metrics: { ...keda, keda: { ...keda.keda, authenticationRef: 'prometheus' } },
    autoscaling: { cpu: { enabled: false } },
  }),
  with_('workers', { worker: { enabled: true } }),
  with_('workers with KEDA and resources of their own', {
    worker: {
      enabled: true,
      maxReplicas: 8,
      resources: { requests: { memory: '1Gi', cpu: '1' }, limits: { memory: '1Gi' } },
    },
    metrics: { ...keda, scrape: 'podMonitor' },
  }),
  with_('a fixed number of workers', {
    worker: { enabled: true, replicaCount: 5 },
    autoscaling: { enabled: false },
    metrics: { provider: 'none' },
  }),
  with_('a Secret that the chart makes', { secret: { source: 'create', values: secretValues } }),
  with_('a Secret that the External Secrets operator makes', { secret: external }),
  with_('an external Secret of single keys', {
    secret: {
      ...external,
      external: {
        ...external.external,
        dataFrom: [],
        data: [{ secretKey: 'OPENAI_API_KEY', remoteRef: { key: 'openai', property: 'key' } }],
      },
    },
  }),
  with_('no migration by a job', { migration: { enabled: false } }),
  with_('the bundled Postgres', bundled),
  with_('the bundled Postgres without policies', { ...bundled, networkPolicy: { enabled: false } }),
  with_('a budget of connections', { database: { maxConnections: 500 } }),
  with_('a route of the Gateway API', {
    httpRoute: {
      enabled: true,
      parentRefs: [{ name: 'public', namespace: 'gateways', sectionName: 'https' }],
      hostnames: ['desk.example.com'],
      path: '/desk',
      annotations: { 'example.com/owner': 'support' },
    },
  }),
  with_('an Ingress with TLS', {
    ingress: { enabled: true, className: 'haproxy', hosts: ['desk.example.com'], tlsSecretName: 'desk-tls' },
  }),
  with_('an Ingress without TLS', { ingress: { enabled: true, hosts: ['a.example.com', 'b.example.com'] } }),
  with_('a load balancer', {
    service: { type: 'LoadBalancer', port: 80, annotations: { 'example.com/internal': 'true' } },
    shutdown: { preStopSleepSeconds: 30 },
  }),
  with_('monitors of pods, rules and labels for them', {
    metrics: { scrape: 'podMonitor', labels: { release: 'monitoring' } },
    prometheusRule: { enabled: true, runbookUrl: 'https://example.com/runbook', alertLabels: { team: 'support' } },
  }),
  with_('figures by other labels', { metrics: { scrape: 'elsewhere', selector: { job: 'desk' } } }),
  with_('no sleep before SIGTERM', { shutdown: { preStopSleepSeconds: 0 } }),
  with_('a long time to end', {
    config: { OPENAI_TIMEOUT: 600, SHUTDOWN_GRACE: '600.5' },
    shutdown: { terminationGracePeriodSeconds: 900 },
  }),
  with_('a budget that says how many must stay', { podDisruptionBudget: { minAvailable: '50%' } }),
  with_('no budget and no policies', { podDisruptionBudget: { enabled: false }, networkPolicy: { enabled: false } }),
  with_('policies of its own', {
    networkPolicy: {
      apiFrom: [{ ipBlock: { cidr: '10.1.0.0/16' } }],
      databaseTo: [{ ipBlock: { cidr: '10.2.3.4/32' } }],
      databasePorts: [6432, 5432],
      publicHttps: false,
      extraEgress: [{ to: [{ namespaceSelector: {} }], ports: [{ port: 8080, protocol: 'TCP' }] }],
    },
  }),
  with_('a service account of the cloud', {
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/desk' } },
  }),
  with_('a service account that is there', { serviceAccount: { create: false, name: 'desk' } }),
  with_('many settings of every type', {
    config: {
      MAX_INPUT_CHARS: 5_000_000,
      RUN_RETENTION: '90 days',
      TRUST_PROXY: true,
      CORS_ORIGINS: 'https://a.example',
    },
  }),
  with_('what an application adds', {
    extraEnv: [{ name: 'SHOP_URL', value: 'https://shop.example.com' }],
    extraEnvFrom: [{ secretRef: { name: 'shop' } }],
    extraVolumes: [{ name: 'prompts', configMap: { name: 'prompts' } }],
    extraVolumeMounts: [{ name: 'prompts', mountPath: '/prompts', readOnly: true }],
    podAnnotations: { 'example.com/a': 'b' },
    podLabels: { tier: 'agents' },
  }),
  with_('certain nodes', {
    nodeSelector: { 'kubernetes.io/arch': 'arm64' },
    tolerations: [{ key: 'spot', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
    topologySpreadConstraints: [
      { topologyKey: 'kubernetes.io/hostname', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
    ],
  }),
  with_('no tests', { tests: { doctor: false, run: false } }),
  with_('a model on a GPU, first', { inference: { enabled: true } }),
  with_('a model on a GPU, as the fallback, with keys', {
    inference: {
      enabled: true,
      role: 'fallback',
      model: 'meta-llama/Llama-3.1-8B-Instruct',
      servedModelName: 'llama',
      apiKeySecretKey: 'FALLBACK_OPENAI_API_KEY',
      huggingFaceSecretName: 'hugging-face',
      toolCallParser: 'llama3_json',
      extraArgs: ['--max-model-len=32768'],
      extraEnv: [{ name: 'VLLM_LOGGING_LEVEL', value: 'WARNING' }],
    },
  }),
  with_('a pool of GPUs that scales', {
    inference: {
      ...shared,
      autoscaling: { enabled: true },
      nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-l4' },
    },
    metrics: { scrape: 'serviceMonitor' },
  }),
  with_('a pool of GPUs that KEDA scales', {
    inference: { ...shared, autoscaling: { enabled: true } },
    metrics: { ...keda, scrape: 'podMonitor' },
  }),
  with_('a model split over four GPUs, with weights that are there', {
    inference: {
      enabled: true,
      gpus: 4,
      replicaCount: 2,
      cache: { existingClaim: 'weights', offline: true },
      image: { digest },
      sharedMemory: '32Gi',
    },
  }),
  with_(
    'everything at once',
    {
      secret: external,
      worker: { enabled: true },
      inference: { ...shared, autoscaling: { enabled: true } },
      ingress: { enabled: true, hosts: ['desk.example.com'], tlsSecretName: 'desk-tls' },
      database: { maxConnections: 900 },
    },
    ['values-production.yaml'],
  ),
];
