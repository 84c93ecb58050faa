import { describe, expect, test } from 'vitest';
import { render } from '../../scripts/chart/helm.ts';
import { containerOf, find, findPod, namesOf } from './support/find.ts';

const of = (values: Record<string, unknown>, ...valuesFiles: string[]) => render({ values, valuesFiles });
const keda = { provider: 'keda', keda: { serverAddress: 'http://prometheus:9090' } };

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
