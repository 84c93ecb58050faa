import { describe, expect, test } from 'vitest';
import { render } from '../../scripts/chart/helm.ts';
import { containerOf, find, findPod, namesOf } from './support/find.ts';

const of = (values: Record<string, unknown>, ...valuesFiles: string[]) => render({ values, valuesFiles });

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

  test('is meant for the store of the environment that the pods are meant for', () => {
    const { env } = containerOf(findPod(of({ config: { STORE_ENV: 'staging' } }), 'Job', 'agent-service-migrate'));
    expect(env).toContainEqual({ name: 'STORE_ENV', value: 'staging' });
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

  test('on the bundled Postgres lets only its own pods reach the database', () => {
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
