import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Run, Step, Store } from '../storage/port/index.ts';
import type { ShedReason } from './admission/shed-reason.ts';
import type { Slots } from './admission/slots.ts';

/** From a fast answer to an hour in the background, in seconds. */
const durationBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600];
/** From a commit in memory to a disk in trouble, in seconds. */
const flushBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const sizeBuckets = [1, 2, 5, 10, 25, 50, 100, 250];
const waitBuckets = [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120, 600];

/** What the figures are read from. */
export type RunMetricsDeps = { store: Store; slots: Slots; loopDelay: { recentMs(): number } };

type Counts = Awaited<ReturnType<Store['runs']['countUnfinished']>>;

/** Models that have a figure of their own at most; agents may be made with any name of a model. */
const modelLabelsMax = 50;

/** Names of models as labels. */
function createModelLabels() {
  const known = new Set<string>();
  return (model: string): string => {
    if (known.size < modelLabelsMax) known.add(model);
    return known.has(model) ? model : 'other';
  };
}

const secondsBetween = (fromMs: number, toMs: number) => Math.max(0, toMs - fromMs) / 1000;

/**
 * The figures of runs, for Prometheus. Names and labels are public: `docs/runbook.md` lists them. No label holds what
 * a user or a model made up.
 */
export function createRunMetrics({ store, slots, loopDelay }: RunMetricsDeps) {
  const registry = new Registry();
  const labelOf = createModelLabels();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `agent_service_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name: `agent_service_${name}`, help, buckets, labelNames, registers });

  // Both gauges ask in every scrape, at the same time: the store counts once.
  let counting: Promise<Counts | null> | null = null;
  const count = (): Promise<Counts | null> => {
    counting ??= store.runs
      .countUnfinished()
      .catch(() => null)
      .finally(() => {
        counting = null;
      });
    return counting;
  };

  // No figure is better than an old one. Each process counts the whole store: of several on a host one figure counts.
  new Gauge({
    name: 'agent_service_demand',
    help: 'Runs queued plus running, in the whole store.',
    aggregator: 'max',
    registers,
    async collect() {
      const counts = await count();
      if (counts) this.set(counts.queued + counts.running);
      else this.remove();
    },
  });
  new Gauge({
    name: 'agent_service_runs',
    help: 'Runs that have not ended, by state, in the whole store.',
    labelNames: ['state'],
    aggregator: 'max',
    registers,
    async collect() {
      const counts = await count();
      if (!counts) return this.reset();
      for (const [state, found] of Object.entries(counts)) this.set({ state }, found);
    },
  });
  new Gauge({
    name: 'agent_service_slots',
    help: 'Places for runs in this process.',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'used' }, slots.used());
      this.set({ state: 'free' }, slots.max - slots.used());
    },
  });

  new Gauge({
    name: 'agent_service_event_loop_delay_seconds',
    help: 'How long the event loop kept requests waiting in the last second, on average.',
    aggregator: 'max',
    registers,
    collect() {
      this.set(loopDelay.recentMs() / 1000);
    },
  });
  const waiting = new Gauge({
    name: 'agent_service_admission_waiting',
    help: 'Callers in line for a place in this process; their runs are not stored yet, and not part of the demand.',
    registers,
  });
  const admissionWait = histogram(
    'admission_wait_seconds',
    'How long callers were in line who got a place.',
    waitBuckets,
  );
  const sheds = counter('shed_total', 'Runs that were not taken in, by reason.', ['reason']);
  const queueWait = histogram('queue_wait_seconds', 'From receipt to the first start of a run.', waitBuckets);
  const claims = counter('claims_total', 'Queued runs that this process claimed.');
  const recoveries = counter('recoveries_total', 'Runs of dead processes that this process queued again.');
  const poisoned = counter('poisoned_runs_total', 'Runs that were ended since they kill processes.');
  const leaseLosses = counter('lease_losses_total', 'Times that this process lost its lease.');
  const flushTime = histogram('journal_flush_seconds', 'From a journal write to its commit.', flushBuckets);
  const flushSize = histogram('journal_flush_entries', 'Steps and events in a journal write.', sizeBuckets);
  const runTime = histogram('run_duration_seconds', 'From creation to the end of a run.', durationBuckets, ['status']);
  const modelTime = histogram('model_call_duration_seconds', 'Duration of model calls.', durationBuckets);
  const cost = counter('cost_usd_total', 'USD that model calls have cost, as far as prices are known.', [
    'provider',
    'model',
  ]);
  const tokens = counter('tokens_total', 'Tokens of runs that ended.', ['kind']);

  return {
    registry,
    waiting: (callers: number): void => waiting.set(callers),
    admitted: (waitedMs: number): void => admissionWait.observe(waitedMs / 1000),
    shed: (reason: ShedReason): void => sheds.inc({ reason }),
    claimed: (): void => claims.inc(),
    started: (run: Run): void => {
      if (run.attempt === 1 && run.startedAtMs !== null)
        queueWait.observe(secondsBetween(run.createdAtMs, run.startedAtMs));
    },
    recovered: (requeued: number, ended: number): void => {
      recoveries.inc(requeued);
      poisoned.inc(ended);
    },
    leaseLost: (): void => leaseLosses.inc(),
    flushed: (entries: number, tookMs: number): void => {
      flushSize.observe(entries);
      flushTime.observe(tookMs / 1000);
    },
    modelCalled({ durationMs, costUsd, provider, model }: Step): void {
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

/** The figures of runs. */
export type RunMetrics = ReturnType<typeof createRunMetrics>;
