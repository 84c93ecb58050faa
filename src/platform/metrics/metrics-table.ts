/** A metric of the service, for Prometheus. */
export type MetricEntry = {
  type: 'counter' | 'gauge' | 'histogram';
  /** What the metric counts or measures: in `/metrics`, and in the table of `docs/runbook.md`. */
  help: string;
  labels?: readonly string[];
  /** The upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
  /** Each process reports a value of the whole store or host: of several workers the largest value counts, not the sum. */
  aggregator?: 'max';
  /** A further sentence for `docs/runbook.md`, with Markdown. */
  note?: string;
};

/** From a fast answer to an hour in the background, in seconds. */
const durationBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600];
/** From no wait to ten minutes in a queue, in seconds. */
const queueBuckets = [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120, 600];
/** From no wait to a minute for a permit of a provider, in seconds. */
const permitBuckets = [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];
/** From a commit in memory to a disk in trouble, in seconds. */
const flushBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/**
 * Every metric of the service, in the order of `docs/runbook.md`, whose table is made from this one. Names and labels are
 * public and do not change. No label holds what a user or a model made up.
 */
export const metricsTable = {
  agent_service_runs: {
    type: 'gauge',
    help: 'Runs that have not ended, by state, in the whole store.',
    labels: ['state'],
    aggregator: 'max',
  },
  agent_service_demand: {
    type: 'gauge',
    help: 'Runs queued plus running, in the whole store.',
    aggregator: 'max',
    note: 'The autoscaler reads it.',
  },
  agent_service_slots: {
    type: 'gauge',
    help: 'Slots for runs in this process, used and free.',
    labels: ['state'],
  },
  agent_service_queue_wait_seconds: {
    type: 'histogram',
    help: 'Time from the receipt of a run to its first start.',
    buckets: queueBuckets,
  },
  agent_service_admission_waiting: {
    type: 'gauge',
    help: 'Callers in the admission queue of this process. Their runs are not stored yet, and not part of the demand.',
    note: 'See [overload](overload.md).',
  },
  agent_service_admission_wait_seconds: {
    type: 'histogram',
    help: 'Time in the admission queue of the callers that got a slot.',
    buckets: queueBuckets,
  },
  agent_service_shed_total: {
    type: 'counter',
    help: 'Runs that were refused because of overload, by reason.',
    labels: ['reason'],
  },
  agent_service_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'Mean time that requests waited for the event loop in the last second.',
    aggregator: 'max',
  },
  agent_service_claims_total: { type: 'counter', help: 'Queued runs that this process claimed.' },
  agent_service_recoveries_total: {
    type: 'counter',
    help: 'Orphaned runs (of processes whose lease expired) that this process put back into the queue.',
  },
  agent_service_lease_losses_total: {
    type: 'counter',
    help: 'Times that this process lost its lease, or had to assume so.',
  },
  agent_service_poisoned_runs_total: {
    type: 'counter',
    help: 'Runs that failed with the code poisoned, because their processes crashed again and again.',
  },
  agent_service_journal_flush_seconds: {
    type: 'histogram',
    help: 'Time from a journal write to its commit.',
    buckets: flushBuckets,
  },
  agent_service_journal_flush_entries: {
    type: 'histogram',
    help: 'Steps and events in a journal write.',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250],
  },
  agent_service_run_duration_seconds: {
    type: 'histogram',
    help: 'Time from the creation of a run to its end.',
    labels: ['status'],
    buckets: durationBuckets,
  },
  agent_service_model_call_duration_seconds: {
    type: 'histogram',
    help: 'Duration of the model calls that were answered.',
    buckets: durationBuckets,
  },
  agent_service_tokens_total: { type: 'counter', help: 'Tokens of runs that ended.', labels: ['kind'] },
  agent_service_cost_usd_total: {
    type: 'counter',
    help: 'USD that model calls have cost, as far as prices are known.',
    labels: ['provider', 'model'],
    note: 'The provider `application` is a model that the application brought along.',
  },
  agent_service_budget_refusals_total: {
    type: 'counter',
    help: 'Runs and model calls that were refused because a budget was used up.',
    labels: ['scope', 'unit', 'period'],
  },
  agent_service_provider_attempts_total: {
    type: 'counter',
    help: 'Attempts of model calls at a provider, by outcome.',
    labels: ['provider', 'outcome'],
    note: 'The outcome is `answered`, the kind of the fault, or `aborted`.',
  },
  agent_service_provider_retries_total: {
    type: 'counter',
    help: 'Attempts at the same provider after a failed one.',
    labels: ['provider'],
  },
  agent_service_provider_failovers_total: {
    type: 'counter',
    help: 'Model calls that another provider took over.',
    labels: ['from', 'to'],
  },
  agent_service_provider_breakers: {
    type: 'gauge',
    help: 'Circuit breakers of models at a provider, by state, as this process sees them.',
    labels: ['provider', 'state'],
    note: 'The state is `closed`, `half_open` or `open`.',
  },
  agent_service_provider_wait_seconds: {
    type: 'histogram',
    help: 'Time that model calls waited for a permit, where concurrent calls are limited.',
    labels: ['provider'],
    buckets: permitBuckets,
  },
  agent_service_webhook_deliveries: {
    type: 'gauge',
    help: 'Webhook deliveries that have not succeeded, by state, in the whole store.',
    labels: ['state'],
    aggregator: 'max',
    note: 'The state is `pending` or `dead`.',
  },
  agent_service_webhook_attempts_total: {
    type: 'counter',
    help: 'Attempts of this process to deliver webhooks, by outcome.',
    labels: ['outcome'],
    note: 'The outcome is `delivered`, `failed` (a retry follows) or `dead` (given up).',
  },
  agent_service_pruned_runs_total: {
    type: 'counter',
    help: 'Runs that this process removed because they had ended longer ago than RUN_RETENTION.',
  },
  agent_service_workers: {
    type: 'gauge',
    help: 'Worker processes of this host that are running.',
    note: 'Only where a primary keeps several workers: see [processes](processes.md).',
  },
  agent_service_worker_ends_total: {
    type: 'counter',
    help: 'Worker processes that ended without being told to, and were replaced.',
  },
} as const satisfies Record<string, MetricEntry>;

/** The name of a metric. */
export type MetricName = keyof typeof metricsTable;
