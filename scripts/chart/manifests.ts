import { stringify } from 'yaml';
import { type KubernetesObject, render } from './helm.ts';

/** What deploy/k8s is rendered with: the chart's defaults, for a cluster with a Postgres, and a Secret to complete. */
export const manifestValues = {
  secret: {
    source: 'create',
    allowPlaceholder: true,
    values: {
      OPENAI_API_KEY: 'sk-your-key-here',
      ADMIN_API_KEY: 'your-key-of-16-characters-or-more',
      DATABASE_URL: 'postgres://agent:your-password@postgres:5432/agent',
    },
  },
  // The rate limit is a setting that most operators adapt, so the plain ConfigMap shows it with its default.
  config: { RATE_LIMIT_RPM: 100 },
  // A Job would have to be deleted before each `kubectl apply`; without it the first new pod migrates the schema.
  migration: { enabled: false },
  tests: { doctor: false, run: false },
};

/** The files of deploy/k8s, and what each is about. */
const files: Record<string, { kind: string; about: string[] }> = {
  'configmap.yaml': { kind: 'ConfigMap', about: ['Settings of the service; docs/settings.md lists all of them.'] },
  'secrets.yaml': {
    kind: 'Secret',
    about: ['Replace these placeholders: the service refuses to start with them.'],
  },
  'serviceaccount.yaml': { kind: 'ServiceAccount', about: [] },
  'deployment.yaml': {
    kind: 'Deployment',
    about: [
      'Set your image. `replicas` is for the first deployment: if hpa.yaml is applied too, remove that line before you',
      'apply this file again, or the Deployment is reset to this number of pods.',
    ],
  },
  'service.yaml': { kind: 'Service', about: [] },
  'hpa.yaml': {
    kind: 'HorizontalPodAutoscaler',
    about: [
      'The Prometheus adapter serves agent_service_demand, with the rules of',
      'deploy/helm/agent-service/files/prometheus-adapter.yaml.',
    ],
  },
  'pdb.yaml': { kind: 'PodDisruptionBudget', about: [] },
  'networkpolicy.yaml': {
    kind: 'NetworkPolicy',
    about: ['Set the sources that may call the service, and the addresses of your database.'],
  },
};

/** What only a release has: kubectl does not know the chart, and a checksum by hand would soon be wrong. */
const ofRelease = /^(helm\.sh\/chart|app\.kubernetes\.io\/managed-by|checksum\/.+)$/;

const withoutRelease = (pairs: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(pairs).filter(([name]) => !ofRelease.test(name)));

/** The object as YAML, without what only a release has. */
function plain({ metadata, ...object }: KubernetesObject): string {
  const { namespace: _, ...kept } = metadata;
  const { apiVersion, kind, ...rest } = object;
  const whole = { apiVersion, kind, metadata: kept, ...rest };
  const isPairs = (key: unknown) => key === 'labels' || key === 'annotations';
  const stripped = JSON.parse(JSON.stringify(whole), (key, value) => (isPairs(key) ? withoutRelease(value) : value));
  return stringify(stripped, { lineWidth: 120, aliasDuplicateObjects: false });
}

const comment = (lines: string[]) => lines.map((line) => `# ${line}\n`).join('');

/**
 * The plain manifests, by their names in deploy/k8s.
 *
 * @throws {Error} when the chart renders an object that no file is for
 */
export function manifests(): Map<string, string> {
  const objects = render({ values: manifestValues });
  const rendered = new Map(
    Object.entries(files).map(([name, { kind, about }]) => {
      const own = objects.filter((object) => object.kind === kind);
      const notice =
        'Rendered from deploy/helm/agent-service by `npm run generate`; edit the chart instead, or a copy of this file.';
      return [name, comment([notice, ...about]) + own.map(plain).join('---\n')] as const;
    }),
  );
  const homeless = objects.filter(({ kind }) => !Object.values(files).some((file) => file.kind === kind));
  if (homeless.length > 0)
    throw new Error(`No file of deploy/k8s is for ${homeless.map(({ kind }) => kind).join(', ')}.`);
  return rendered;
}
