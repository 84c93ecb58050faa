import type { Metrics } from '../platform/metrics/metrics.ts';
import type { Run, Step, Store } from '../storage/port/index.ts';
import type { ShedReason } from './admission/shed-reason.ts';
import type { Slots } from './admission/slots.ts';

/** The sources of the metrics of runs. */
export type RunMetricsDeps = {
  store: { runs: Pick<Store['runs'], 'countUnfinished'> };
  slots: Slots;
  eventLoopDelay: { recentMs(): number };
  metrics: Metrics;
};

type Counts = Awaited<ReturnType<Store['runs']['countUnfinished']>>;

/** Models that have a label of their own at most: an application may make agents with any name of a model. */
const modelLabelsMax = 50;

/** Names of models as labels; the ones above the limit share the label `other`. */
function createModelLabels() {
  const known = new Set<string>();
  return (model: string): string => {
    if (known.size < modelLabelsMax) known.add(model);
    return known.has(model) ? model : 'other';
  };
}

const secondsBetween = (fromMs: number, toMs: number) => Math.max(0, toMs - fromMs) / 1000;

/** Counts the unfinished runs of the store. Calls that overlap share one question to the store; null if it fails. */
function createUnfinishedCount(runs: Pick<Store['runs'], 'countUnfinished'>): () => Promise<Counts | null> {
  let counting: Promise<Counts | null> | null = null;
  return () => {
    counting ??= runs
      .countUnfinished()
      .catch(() => null)
      .finally(() => {
        counting = null;
      });
    return counting;
  };
}

/** Both gauges are collected in every scrape, at the same time. No value is better than an old one. */
function registerStoreGauges({ store, metrics }: Pick<RunMetricsDeps, 'store' | 'metrics'>): void {
  const count = createUnfinishedCount(store.runs);
  metrics.gauge('agent_service_demand', async (gauge) => {
    const counts = await count();
    if (counts) gauge.set(counts.queued + counts.running);
    else gauge.remove();
  });
  metrics.gauge('agent_service_runs', async (gauge) => {
    const counts = await count();
    if (!counts) return gauge.reset();
    for (const [state, found] of Object.entries(counts)) gauge.set({ state }, found);
  });
}

function registerProcessGauges({ slots, eventLoopDelay, metrics }: Omit<RunMetricsDeps, 'store'>): void {
  metrics.gauge('agent_service_slots', (gauge) => {
    gauge.set({ state: 'used' }, slots.used());
    gauge.set({ state: 'free' }, slots.max - slots.used());
  });
  metrics.gauge('agent_service_event_loop_delay_seconds', (gauge) => gauge.set(eventLoopDelay.recentMs() / 1000));
}

/** What admission reports. */
function createAdmissionMetrics(metrics: Metrics) {
  const waiting = metrics.gauge('agent_service_admission_waiting');
  const admissionWait = metrics.histogram('agent_service_admission_wait_seconds');
  const sheds = metrics.counter('agent_service_shed_total');
  return {
    waiting: (callers: number): void => waiting.set(callers),
    admitted: (waitedMs: number): void => admissionWait.observe(waitedMs / 1000),
    shed: (reason: ShedReason): void => sheds.inc({ reason }),
  };
}

/** What the lease of this process and the recovery of orphaned runs report. */
function createRecoveryMetrics(metrics: Metrics) {
  const claims = metrics.counter('agent_service_claims_total');
  const recoveries = metrics.counter('agent_service_recoveries_total');
  const poisoned = metrics.counter('agent_service_poisoned_runs_total');
  const leaseLosses = metrics.counter('agent_service_lease_losses_total');
  return {
    claimed: (): void => claims.inc(),
    recovered: (requeued: number, ended: number): void => {
      recoveries.inc(requeued);
      poisoned.inc(ended);
    },
    leaseLost: (): void => leaseLosses.inc(),
  };
}

/** What the execution of runs reports. */
function createExecutionMetrics(metrics: Metrics) {
  const labelOf = createModelLabels();
  const queueWait = metrics.histogram('agent_service_queue_wait_seconds');
  const flushTime = metrics.histogram('agent_service_journal_flush_seconds');
  const flushSize = metrics.histogram('agent_service_journal_flush_entries');
  const runTime = metrics.histogram('agent_service_run_duration_seconds');
  const modelTime = metrics.histogram('agent_service_model_call_duration_seconds');
  const cost = metrics.counter('agent_service_cost_usd_total');
  const tokens = metrics.counter('agent_service_tokens_total');
  return {
    started: (run: Run): void => {
      if (run.attempt === 1 && run.startedAtMs !== null)
        queueWait.observe(secondsBetween(run.createdAtMs, run.startedAtMs));
    },
    flushed: (entries: number, tookMs: number): void => {
      flushSize.observe(entries);
      flushTime.observe(tookMs / 1000);
    },
    /** A step that was executed is over; a metric of steps is reported here. */
    stepEnded({ kind, durationMs, costUsd, provider, model }: Step): void {
      if (kind !== 'model_call') return;
      modelTime.observe((durationMs ?? 0) / 1000);
      if (costUsd !== null) cost.inc({ provider: provider ?? 'unknown', model: labelOf(model ?? '') }, costUsd);
    },
    ended: (run: Run): void => {
      runTime.observe({ status: run.status }, secondsBetween(run.createdAtMs, run.finishedAtMs ?? run.createdAtMs));
      tokens.inc({ kind: 'input' }, run.usage.inputTokens);
      tokens.inc({ kind: 'output' }, run.usage.outputTokens);
    },
  };
}

/** The metrics of runs; `src/platform/metrics/metrics-table.ts` describes them. */
export function createRunMetrics(deps: RunMetricsDeps) {
  registerStoreGauges(deps);
  registerProcessGauges(deps);
  return {
    ...createAdmissionMetrics(deps.metrics),
    ...createRecoveryMetrics(deps.metrics),
    ...createExecutionMetrics(deps.metrics),
  };
}

/** The metrics of runs. */
export type RunMetrics = ReturnType<typeof createRunMetrics>;
