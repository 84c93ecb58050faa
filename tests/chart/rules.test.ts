import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { parse } from 'yaml';
import { chartFolder, render } from '../../scripts/chart/helm.ts';
import { metricsTable } from '../../src/platform/metrics/metrics-table.ts';
import { find } from './support/find.ts';
import { needs } from './support/needs.ts';
import { findPromtool, promtool } from './support/promtool.ts';

vi.setConfig({ testTimeout: 120_000 });

type Rule = { alert?: string; record?: string; expr: string; annotations: Record<string, string> };
type Groups = { groups: { name: string; rules: Rule[] }[] };

const rulesOf = (prometheusRule: Record<string, unknown> = {}) =>
  find(render({ values: { prometheusRule: { enabled: true, ...prometheusRule } } }), 'PrometheusRule').spec as Groups;
const rules = rulesOf();
const alerts = rules.groups.flatMap(({ rules }) => rules.filter(({ alert }) => alert));

const promtoolFor = (context: TestContext) =>
  needs(context, 'promtool (on Debian and Ubuntu it is part of the package prometheus)', findPromtool);

/** Runs unit tests of the rules. */
const testRules = (context: TestContext, tests: unknown[]) =>
  promtool(promtoolFor(context), ['test', 'rules', 'tests.yaml'], {
    'rules.yaml': rules,
    'tests.yaml': { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests },
  });

const own = 'namespace="agents",app_kubernetes_io_instance="agent-service"';
/** A figure of a pod of this release. */
const series = (name: string, pod: string, values: string, more = '') => ({
  series: `${name}{${own},pod="${pod}"${more}}`,
  values,
});
/** A figure of another release, which must never count. */
const foreign = (name: string, values: string, more = '') => ({
  series: `${name}{namespace="agents",app_kubernetes_io_instance="another",pod="x"${more}}`,
  values,
});

/** What makes each alert fire after twenty minutes, and what is close to it and does not. */
const cases: Record<string, { firing: object[]; quiet: object[] }> = {
  AgentServiceFiguresAbsent: {
    firing: [foreign('agent_service_demand', '1x40')],
    quiet: [series('agent_service_demand', 'a', '0x40')],
  },
  AgentServiceSaturated: {
    firing: [
      series('agent_service_demand', 'a', '60x40'),
      series('agent_service_demand', 'b', '60x40'),
      series('agent_service_slots', 'a', '30x40', ',state="used"'),
      series('agent_service_slots', 'b', '30x40', ',state="free"'),
    ],
    quiet: [
      // Twice the figure of the same store is not twice the demand.
      series('agent_service_demand', 'a', '59x40'),
      series('agent_service_demand', 'b', '59x40'),
      series('agent_service_slots', 'a', '30x40', ',state="used"'),
      series('agent_service_slots', 'b', '30x40', ',state="free"'),
    ],
  },
  AgentServiceQueueWaitLong: {
    firing: [
      series('agent_service_queue_wait_seconds_bucket', 'a', '0+1x40', ',le="30"'),
      series('agent_service_queue_wait_seconds_bucket', 'a', '0+10x40', ',le="120"'),
      series('agent_service_queue_wait_seconds_bucket', 'a', '0+10x40', ',le="+Inf"'),
    ],
    quiet: [
      series('agent_service_queue_wait_seconds_bucket', 'a', '0+10x40', ',le="30"'),
      series('agent_service_queue_wait_seconds_bucket', 'a', '0+10x40', ',le="120"'),
      series('agent_service_queue_wait_seconds_bucket', 'a', '0+10x40', ',le="+Inf"'),
    ],
  },
  AgentServiceRunsFailing: {
    firing: [
      series('agent_service_run_duration_seconds_count', 'a', '0+7x40', ',status="completed"'),
      series('agent_service_run_duration_seconds_count', 'a', '0+2x40', ',status="failed"'),
      series('agent_service_run_duration_seconds_count', 'b', '0+1x40', ',status="timed_out"'),
    ],
    quiet: [
      series('agent_service_run_duration_seconds_count', 'a', '0+8x40', ',status="completed"'),
      series('agent_service_run_duration_seconds_count', 'a', '0+1x40', ',status="failed"'),
      series('agent_service_run_duration_seconds_count', 'a', '0+9x40', ',status="cancelled"'),
    ],
  },
  AgentServiceRunPoisoned: {
    firing: [series('agent_service_poisoned_runs_total', 'a', '0x10 1x30')],
    quiet: [
      series('agent_service_poisoned_runs_total', 'a', '1x40'),
      foreign('agent_service_poisoned_runs_total', '0+1x40'),
    ],
  },
  AgentServiceRunsRecovered: {
    firing: [series('agent_service_recoveries_total', 'a', '0+1x40')],
    quiet: [series('agent_service_recoveries_total', 'a', '0x10 4x30')],
  },
  AgentServiceLeasesLost: {
    firing: [series('agent_service_lease_losses_total', 'a', '0+1x40')],
    quiet: [series('agent_service_lease_losses_total', 'a', '0x10 1x30')],
  },
  AgentServiceJournalSlow: {
    firing: [
      series('agent_service_journal_flush_seconds_bucket', 'a', '0+90x40', ',le="1"'),
      series('agent_service_journal_flush_seconds_bucket', 'a', '0+100x40', ',le="5"'),
      series('agent_service_journal_flush_seconds_bucket', 'a', '0+100x40', ',le="+Inf"'),
    ],
    quiet: [
      series('agent_service_journal_flush_seconds_bucket', 'a', '0+100x40', ',le="1"'),
      series('agent_service_journal_flush_seconds_bucket', 'a', '0+100x40', ',le="5"'),
      series('agent_service_journal_flush_seconds_bucket', 'a', '0+100x40', ',le="+Inf"'),
    ],
  },
};

test('Prometheus takes the rules', (context) => {
  const { status, output } = promtool(promtoolFor(context), ['check', 'rules', 'rules.yaml'], { 'rules.yaml': rules });
  expect(output).toContain('SUCCESS: 10 rules found');
  expect(status).toBe(0);
});

test('every alert has a case', () => {
  expect(Object.keys(cases)).toEqual(alerts.map(({ alert }) => alert));
});

describe.each(Object.entries(cases))('%s', (name, { firing, quiet }) => {
  /** Lets promtool expect that the alert never fires, and say otherwise where it does. */
  const expectQuiet = (context: TestContext, input_series: object[]) => {
    const at = (eval_time: string) => ({ eval_time, alertname: name, exp_alerts: [] });
    return testRules(context, [{ interval: '1m', input_series, alert_rule_test: [at('20m'), at('40m')] }]);
  };

  test('fires', (context) => {
    const { status, output } = expectQuiet(context, firing);
    expect(output).toContain(`alertname="${name}"`);
    expect(status).toBe(1);
  });

  test('is quiet when things are only close to it', (context) => {
    const { status, output } = expectQuiet(context, quiet);
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });
});

describe('what the rules are made of', () => {
  test('metrics that the service has', () => {
    const served: string[] = Object.keys(metricsTable);
    const asked = new Set(
      rules.groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/agent_service_\w+/g) ?? [])),
    );
    const unknown = [...asked].filter((name) => !served.includes(name.replace(/_(bucket|count)$/, '')));
    expect(asked.size).toBeGreaterThan(6);
    expect(unknown).toEqual([]);
  });

  test('links to sections of the runbook that are there', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
    const anchors = [...page.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const linked =
      rulesOf({ runbookUrl: 'https://example.com/runbook' }).groups[0]?.rules.filter(({ alert }) => alert) ?? [];
    for (const { annotations } of linked) {
      expect(anchors).toContain(annotations.runbook_url?.replace('https://example.com/runbook#', ''));
    }
    expect(linked.length).toBe(alerts.length);
  });
});

describe('the figure that the autoscaler sees', () => {
  type AdapterRule = { seriesQuery: string; name?: { as: string }; metricsQuery: string };
  const adapter = parse(readFileSync(join(chartFolder, 'files/prometheus-adapter.yaml'), 'utf8')) as {
    rules: { external: AdapterRule[] };
  };
  /** The query that the adapter makes of its rule for what an autoscaler names. */
  const queryOf = ({ metricsQuery }: AdapterRule) => metricsQuery.replaceAll('<<.LabelMatchers>>', own);
  const nameOf = ({ name, seriesQuery }: AdapterRule) => name?.as ?? seriesQuery.split('{')[0];

  const pods = [
    series('agent_service_demand', 'a', '9x10'),
    series('agent_service_demand', 'b', '9x10'),
    foreign('agent_service_demand', '500x10'),
    // Callers that wait in a pod are known to it alone.
    series('agent_service_admission_waiting', 'a', '2x10'),
    series('agent_service_admission_waiting', 'b', '1x10'),
    foreign('agent_service_admission_waiting', '500x10'),
    series('vllm:num_requests_waiting', 'c', '4x10'),
    series('vllm:num_requests_waiting', 'd', '3x10'),
    foreign('vllm:num_requests_waiting', '500x10'),
    series('vllm:num_requests_running', 'c', '64x10'),
    series('vllm:num_requests_running', 'd', '60x10'),
  ];
  const expected: Record<string, number> = {
    agent_service_demand: 12,
    agent_service_inference_waiting: 7,
    agent_service_inference_running: 124,
  };

  test('is that of the whole store once, and that of all model servers together, by the adapter and by KEDA', (context) => {
    const values = {
      metrics: { provider: 'keda', keda: { serverAddress: 'http://prometheus:9090' } },
      inference: { enabled: true, cache: { enabled: false }, autoscaling: { enabled: true } },
    };
    const scaled = render({ values });
    const byKeda = ['agent-service', 'agent-service-inference'].flatMap((name) =>
      (find(scaled, 'ScaledObject', name).spec.triggers as { type: string; metadata: { query: string } }[])
        .filter(({ type }) => type === 'prometheus')
        .map(({ metadata }) => metadata.query),
    );
    const asked = [
      ...adapter.rules.external.map((rule) => ({ expr: queryOf(rule), value: expected[nameOf(rule) ?? ''] })),
      ...byKeda.map((expr, index) => ({ expr, value: Object.values(expected)[index] })),
    ];
    expect(asked).toHaveLength(6);
    const { status, output } = testRules(context, [
      {
        interval: '1m',
        input_series: pods,
        promql_expr_test: asked.map(({ expr, value }) => ({
          expr,
          eval_time: '5m',
          exp_samples: [{ labels: '{}', value }],
        })),
      },
    ]);
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  test('has the names that the autoscalers ask for', () => {
    const values = { inference: { enabled: true, cache: { enabled: false }, autoscaling: { enabled: true } } };
    const asked = render({ values })
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .flatMap(({ spec }) => (spec as { metrics: { external?: { metric: { name: string } } }[] }).metrics)
      .flatMap(({ external }) => external?.metric.name ?? []);
    expect(adapter.rules.external.map(nameOf)).toEqual(asked);
  });
});
