type Values = Record<string, unknown>;
/** A configuration that loses work, cannot run, or publishes what is private. */
export type Refusal = {
  /** What is refused. */
  what: string;
  values: Values;
  /** What the sentence has to say: the cause in numbers or names, and the mend. */
  says: (string | RegExp)[];
  /** The values after the mend that the sentence names; they have to render. */
  mended: Values;
};

const key = 'sk-real-looking-0123456789';
const url = 'postgres://agent:secret@db.internal:5432/agent';
const created = (values: Values, config: Values = {}) => ({ secret: { source: 'create', values }, config });
const development = { APP_ENV: 'development', AUTH_MODE: 'none' };
const embedded = { database: { mode: 'embedded' }, autoscaling: { enabled: false }, replicaCount: 1 };
const bundled = { mode: 'bundled', bundled: { password: 'a-trial' } };
const bundledIn = (env: string, database: Values = bundled) => ({
  ...created({ OPENAI_API_KEY: key }, { APP_ENV: env }),
  database,
});
const keda = (serverAddress: string) => ({ metrics: { provider: 'keda', keda: { serverAddress } } });
const pool = (values: Values = {}, more: Values = {}) => ({ inference: { enabled: true, ...values }, ...more });

/** What the chart refuses: a case for each sentence of templates/_guards.tpl, or more. */
export const refusals: Refusal[] = [
  {
    what: 'a time to end that is shorter than what the process may take',
    values: { shutdown: { terminationGracePeriodSeconds: 58 } },
    says: [
      'is 58, but a pod may take 59 s to end',
      'preStopSleepSeconds 5 + PRESTOP_DELAY 3 + SHUTDOWN_GRACE 35 + 16',
      'set it to 59 or more',
    ],
    mended: { shutdown: { terminationGracePeriodSeconds: 59 } },
  },
  {
    what: 'a longer grace of the process in a time to end that was enough before',
    values: { config: { SHUTDOWN_GRACE: 120 }, shutdown: { terminationGracePeriodSeconds: 64 } },
    says: ['may take 144 s', 'set it to 144 or more'],
    mended: { config: { SHUTDOWN_GRACE: 120 } },
  },
  {
    what: 'a sleep before SIGTERM that leaves too little of the time to end',
    values: { shutdown: { preStopSleepSeconds: 30, terminationGracePeriodSeconds: 64 } },
    says: ['may take 84 s', 'Leave it out'],
    mended: { shutdown: { preStopSleepSeconds: 30 } },
  },
  {
    what: 'the embedded store with several pods',
    values: { ...embedded, replicaCount: 2 },
    says: ['replicaCount is 2', 'Set replicaCount: 1'],
    mended: embedded,
  },
  {
    what: 'the embedded store with a number of pods that another controller sets',
    values: { ...embedded, replicaCount: null },
    says: ['for one process', 'Set replicaCount: 1'],
    mended: embedded,
  },
  {
    what: 'the embedded store with an autoscaler',
    values: { ...embedded, autoscaling: { enabled: true } },
    says: ['an autoscaler is on', 'autoscaling.enabled: false'],
    mended: embedded,
  },
  {
    what: 'the embedded store with an autoscaler outside of the chart',
    values: { ...embedded, autoscaling: { enabled: false, managedElsewhere: true } },
    says: ['an autoscaler is on', 'managedElsewhere: false'],
    mended: embedded,
  },
  {
    what: 'the embedded store with workers',
    values: { ...embedded, worker: { enabled: true } },
    says: ['worker.enabled adds more', 'worker.enabled: false'],
    mended: embedded,
  },
  {
    what: 'a budget under which no pod may go',
    values: { podDisruptionBudget: { maxUnavailable: 0 } },
    says: ['could ever be drained', 'Set it to 1'],
    mended: { podDisruptionBudget: { maxUnavailable: 1 } },
  },
  {
    what: 'a budget under which no percent of the pods may go',
    values: { podDisruptionBudget: { maxUnavailable: '0%' } },
    says: ['could ever be drained'],
    mended: { podDisruptionBudget: { maxUnavailable: '10%' } },
  },
  {
    what: 'a budget under which all pods must stay, when the autoscaler has fewest',
    values: { podDisruptionBudget: { minAvailable: 2 } },
    says: ['minAvailable is 2, and there may be 2 pods', 'Set it below'],
    mended: { podDisruptionBudget: { minAvailable: 1 } },
  },
  {
    what: 'a budget whose percentage amounts to all pods',
    values: { podDisruptionBudget: { minAvailable: '60%' } },
    says: ['minAvailable is 60%', 'maxUnavailable: 1'],
    mended: { podDisruptionBudget: { minAvailable: '50%' } },
  },
  {
    what: 'a budget under which all workers must stay',
    values: { podDisruptionBudget: { minAvailable: 2 }, autoscaling: { minReplicas: 5 }, worker: { enabled: true } },
    says: ['there may be 2 pods'],
    mended: { podDisruptionBudget: { minAvailable: 1 }, autoscaling: { minReplicas: 5 }, worker: { enabled: true } },
  },
  {
    what: 'a liveness probe that kills a pod for draining',
    values: { probes: { liveness: { path: '/readyz' } } },
    says: ['probes.liveness.path is /readyz', 'Set it to /healthz'],
    mended: { probes: { liveness: { path: '/healthz' } } },
  },
  {
    what: 'a liveness probe that kills a pod while it closes',
    values: { probes: { liveness: { periodSeconds: 5, failureThreshold: 3 } } },
    says: ['restarts a pod after 15 s', 'Raise periodSeconds or failureThreshold'],
    mended: { probes: { liveness: { periodSeconds: 10, failureThreshold: 3 } } },
  },
  {
    what: 'more pods than the database has connections for, those of a rollout included',
    values: { database: { maxConnections: 230 } },
    says: ['may hold 231 connections', '11 each', 'maxConnections is 230', 'Lower config.DATABASE_POOL_MAX'],
    mended: { database: { maxConnections: 230 }, config: { DATABASE_POOL_MAX: 9 } },
  },
  {
    what: 'workers that the database has no connections for',
    values: { database: { maxConnections: 231 }, worker: { enabled: true, maxReplicas: 3 } },
    says: ['may hold 275 connections', 'worker.maxReplicas'],
    mended: { database: { maxConnections: 275 }, worker: { enabled: true, maxReplicas: 3 } },
  },
  {
    what: 'a fixed number of pods that the database has no connections for',
    values: { database: { maxConnections: 43 }, autoscaling: { enabled: false } },
    says: ['may hold 44 connections'],
    mended: { database: { maxConnections: 44 }, autoscaling: { enabled: false } },
  },
  {
    what: 'an autoscaler on a metric that no server serves',
    values: { metrics: { provider: 'none' } },
    says: [
      'metrics.provider is none: nobody serves them',
      'prometheus-adapter or keda, or autoscaling.demand.enabled: false',
    ],
    mended: { metrics: { provider: 'none' }, autoscaling: { demand: { enabled: false } } },
  },
  {
    what: 'an autoscaler on a metric that is not scraped',
    values: { metrics: { scrape: 'none' } },
    says: ['metrics.scrape is none: nobody collects them', 'podMonitor, serviceMonitor or annotations'],
    mended: { metrics: { scrape: 'elsewhere' } },
  },
  {
    what: 'KEDA that does not know which Prometheus to ask',
    values: keda(''),
    says: ['metrics.keda.serverAddress is empty', 'Set it, such as http://'],
    mended: keda('http://prometheus-operated.monitoring:9090'),
  },
  {
    what: 'two autoscalers of one Deployment',
    values: { autoscaling: { managedElsewhere: true } },
    says: ['two autoscalers', 'Set one of them to false'],
    mended: { autoscaling: { enabled: false, managedElsewhere: true } },
  },
  {
    what: 'an autoscaler that looks at nothing',
    values: { autoscaling: { cpu: { enabled: false }, demand: { enabled: false } } },
    says: ['nothing to scale on', 'Set autoscaling.demand.enabled: true'],
    mended: { autoscaling: { cpu: { enabled: false } } },
  },
  {
    what: 'fewest pods above the most',
    values: { autoscaling: { minReplicas: 30 } },
    says: ['minReplicas is 30, above autoscaling.maxReplicas, 20'],
    mended: { autoscaling: { minReplicas: 30, maxReplicas: 30 } },
  },
  {
    what: 'fewest workers above the most',
    values: { worker: { enabled: true, minReplicas: 30 } },
    says: ['worker.minReplicas is 30, above worker.maxReplicas, 20'],
    mended: { worker: { enabled: true, minReplicas: 20 } },
  },
  {
    what: 'the tag latest',
    values: { image: { tag: 'latest' } },
    says: ['image.tag is latest', 'image.digest'],
    mended: { image: { tag: 'latest', digest: `sha256:${'ab'.repeat(32)}` } },
  },
  {
    what: 'production without authentication and without consent to it',
    values: { config: { AUTH_MODE: 'none' } },
    says: ['AUTH_MODE is none, and APP_ENV is production', 'allowUnauthenticated: true'],
    mended: { config: { AUTH_MODE: 'none' }, allowUnauthenticated: true },
  },
  {
    what: 'staging without authentication and without consent to it',
    values: { config: { AUTH_MODE: 'none', APP_ENV: 'staging' } },
    says: ['APP_ENV is staging', 'config.AUTH_MODE: api_key'],
    mended: { config: { AUTH_MODE: 'api_key', APP_ENV: 'staging' } },
  },
  {
    what: 'a key of the provider that is a placeholder',
    values: created({ OPENAI_API_KEY: 'sk-your-key-here', DATABASE_URL: url }),
    says: ['secret.values.OPENAI_API_KEY is a placeholder', 'Set the real one'],
    mended: created({ OPENAI_API_KEY: key, DATABASE_URL: url }),
  },
  {
    what: 'a key of callers that is a placeholder',
    values: created({ OPENAI_API_KEY: key, DATABASE_URL: url, ADMIN_API_KEY: 'change-me-change-me' }),
    says: ['secret.values.ADMIN_API_KEY is a placeholder'],
    mended: created({ OPENAI_API_KEY: key, DATABASE_URL: url, ADMIN_API_KEY: 'admin-0123456789abcdef' }),
  },
  {
    what: 'production without a Secret',
    values: { secret: { source: 'none' } },
    says: ['secret.source is none, and APP_ENV is production', 'secret.source: existing'],
    mended: { secret: { source: 'existing' } },
  },
  {
    what: 'a Secret without the key of the provider',
    values: created({ DATABASE_URL: url }),
    says: ['OPENAI_API_KEY is empty', 'Set it'],
    mended: created({ DATABASE_URL: url, OPENAI_API_KEY: key }),
  },
  {
    what: 'pods that would each store their runs in themselves',
    values: created({ OPENAI_API_KEY: key }),
    says: ['DATABASE_URL is empty', 'embedded or bundled'],
    mended: { ...created({ OPENAI_API_KEY: key }), ...embedded },
  },
  {
    what: 'pods that are not told where the database is',
    values: { secret: { source: 'none' }, config: development },
    says: ['nothing says where the database is', 'database.mode: embedded'],
    mended: { secret: { source: 'none' }, config: development, ...embedded },
  },
  {
    what: 'an external Secret that reads nothing',
    values: { secret: { source: 'external' } },
    says: ['nothing to read', 'secret.external.secretStoreRef'],
    mended: {
      secret: {
        source: 'external',
        external: { secretStoreRef: { name: 'vault' }, dataFrom: [{ extract: { key: 'a' } }] },
      },
    },
  },
  {
    what: 'the bundled Postgres in production',
    values: bundledIn('production'),
    says: ['for trials, and APP_ENV is production', 'database.mode: existing'],
    mended: bundledIn('staging'),
  },
  {
    what: 'the bundled Postgres without a password',
    values: bundledIn('staging', { mode: 'bundled' }),
    says: ['password is empty', 'Choose one'],
    mended: bundledIn('staging'),
  },
  {
    what: 'a bundled Postgres of any version',
    values: bundledIn('staging', {
      ...bundled,
      bundled: { password: 'a-trial', image: 'registry.example.com:5000/postgres' },
    }),
    says: ['whatever is newest', 'Set a version'],
    mended: bundledIn('staging', {
      ...bundled,
      bundled: { password: 'a-trial', image: 'registry.example.com:5000/postgres:17' },
    }),
  },
  {
    what: 'a route without a gateway',
    values: { httpRoute: { enabled: true } },
    says: ['no gateway would serve the route', 'Name one'],
    mended: { httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] } },
  },
  {
    what: 'an Ingress without a host',
    values: { ingress: { enabled: true } },
    says: ['ingress.hosts is empty', 'Name a host'],
    mended: { ingress: { enabled: true, hosts: ['desk.example.com'] } },
  },
  {
    what: 'a test that cannot look at what it tests',
    values: { ...embedded, tests: { run: false } },
    says: ['cannot look at an embedded store', 'tests.run: true'],
    mended: { ...embedded, tests: { run: true } },
  },
  {
    what: 'a time to end that is shorter than what a model server may take',
    values: pool({ shutdown: { terminationGracePeriodSeconds: 30 } }),
    says: ['is 30, but a pod of the pool may take 65 s', 'set it to 65 or more'],
    mended: pool({ shutdown: { terminationGracePeriodSeconds: 65 } }),
  },
  {
    what: 'several model servers on a volume that one node may mount',
    values: pool({ replicaCount: 2 }),
    says: ['may have 2 pods', 'ReadWriteMany'],
    mended: pool({ replicaCount: 2, cache: { accessModes: ['ReadWriteMany'] } }),
  },
  {
    what: 'model servers that scale on a metric that no server serves',
    values: pool(
      { autoscaling: { enabled: true }, cache: { enabled: false } },
      { metrics: { provider: 'none' }, autoscaling: { enabled: false } },
    ),
    says: ['inference.autoscaling.enabled scales on figures', 'metrics.provider is none'],
    mended: pool({ autoscaling: { enabled: true }, cache: { enabled: false } }, { autoscaling: { enabled: false } }),
  },
  {
    what: 'fewest model servers above the most',
    values: pool({ autoscaling: { enabled: true, minReplicas: 9 }, cache: { enabled: false } }),
    says: ['inference.autoscaling.minReplicas is 9, above maxReplicas, 4'],
    mended: pool({ autoscaling: { enabled: true, minReplicas: 4 }, cache: { enabled: false } }),
  },
  {
    what: 'model servers of any version',
    values: pool({ image: { tag: 'latest' } }),
    says: ['inference.image.tag is latest', 'Set a version'],
    mended: pool({ image: { tag: 'v0.33.0' } }),
  },
  {
    what: 'two answers to which provider is first',
    values: pool({}, { config: { OPENAI_BASE_URL: 'https://api.example.com/v1' } }),
    says: ['config.OPENAI_BASE_URL and the inference pool both say', 'inference.role'],
    mended: pool({ role: 'fallback' }, { config: { OPENAI_BASE_URL: 'https://api.example.com/v1' } }),
  },
  {
    what: 'a key of the model server that the service does not send',
    values: pool({ apiKeySecretKey: 'FALLBACK_OPENAI_API_KEY' }),
    says: ['as the first provider the pool is asked with OPENAI_API_KEY', 'Set it to that'],
    mended: pool({ apiKeySecretKey: 'OPENAI_API_KEY' }),
  },
  {
    what: 'a key of the model server in a Secret that is not there',
    values: pool(
      { apiKeySecretKey: 'OPENAI_API_KEY' },
      { ...embedded, secret: { source: 'none' }, config: development },
    ),
    says: ['secret.source is none', 'leave the key out'],
    mended: pool({}, { ...embedded, secret: { source: 'none' }, config: development }),
  },
];
