import { describe, expect, test } from 'vitest';
import { render } from '../../scripts/chart/helm.ts';
import { find, findPod, namesOf } from './support/find.ts';

const of = (values: Record<string, unknown>, ...valuesFiles: string[]) => render({ values, valuesFiles });
const keda = { provider: 'keda', keda: { serverAddress: 'http://prometheus:9090' } };

const own = 'namespace="agents",app_kubernetes_io_instance="agent-service"';

describe('the autoscaler', () => {
  test('scales on the CPU alone where it is configured so', () => {
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
            query: `max(agent_service_demand{${own}}) + (sum(agent_service_admission_waiting{${own}}) or vector(0))`,
            threshold: '37.5',
          },
        },
      ],
    });
  });

  test('is not rendered where another autoscaler is in use, or none', () => {
    for (const managedElsewhere of [true, false]) {
      const objects = of({ autoscaling: { enabled: false, managedElsewhere } });
      for (const kind of ['HorizontalPodAutoscaler', 'ScaledObject']) expect(namesOf(objects, kind)).toEqual([]);
    }
  });

  test('has the number of pods to itself, where replicaCount is null', () => {
    expect(find(of({ replicaCount: null }), 'Deployment').spec).not.toHaveProperty('replicas');
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
