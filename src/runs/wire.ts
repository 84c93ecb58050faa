import type { SessionInputCallback } from '@openai/agents';
import { type AgentRegistry, type ContextOption, type ModelChoices, toRunContexts } from '../agents/index.ts';
import type { BudgetControl } from '../budgets/index.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventLoopDelay } from '../platform/event-loop-delay.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { ProviderFeatures } from '../providers/index.ts';
import type { ProcessInfo, Store, Webhook } from '../storage/port/index.ts';
import { createActiveRuns } from './active-runs.ts';
import { createAdmission } from './admission/admission.ts';
import { createSlots } from './admission/slots.ts';
import { createApprovalExpiry } from './approvals/approval-expiry.ts';
import { createArrivals } from './arrivals.ts';
import type { Continuation, SessionsOption } from './conversation/continuation.ts';
import { createGoneAgentWatch } from './conversation/gone-agent.ts';
import { createSessionContextReader } from './conversation/session-context.ts';
import { createEventFeed } from './events/event-feed.ts';
import { createAttemptExecutor } from './execution/attempt-executor.ts';
import { createExecutor } from './execution/executor.ts';
import { journalProvider } from './execution/journaled-model.ts';
import { letRequestsChooseModels } from './execution/requested-model.ts';
import type { RunDefaults } from './execution/run-scope.ts';
import type { RunnerOptions } from './execution/runner-options.ts';
import type { HitFailpoint } from './failpoints.ts';
import { inputRulesOf } from './input/input-limits.ts';
import type { InputOption } from './input/input-rules.ts';
import { createRunMetrics } from './metrics.ts';
import { createClaimer } from './recovery/claimer.ts';
import { createProcessLease } from './recovery/process-lease.ts';
import { createUnclaimedRunsWatch } from './recovery/unclaimed-runs-watch.ts';
import { createRunService } from './service.ts';

/** What runs are built from. */
export type WireRunsDeps = {
  options: {
    context?: ContextOption;
    sessionInput?: SessionInputCallback;
    input?: InputOption;
    runner?: RunnerOptions;
    sessions?: SessionsOption;
  };
  settings: Settings;
  /** The versions of the application and the SDK that runs are recorded with. */
  versions: { app: string; sdk: string };
  host: { name: string; pid: number };
  store: Store;
  agents: AgentRegistry;
  /** The models that requests may choose. */
  models: ModelChoices;
  /** What runs use for the models that their agents do not bring along. */
  defaults: RunDefaults;
  /** What the configured providers have in common. */
  providerFeatures: ProviderFeatures;
  budgets: BudgetControl;
  /** Checks the webhook of a new run; throws if it is refused. */
  acceptWebhook(webhook: Webhook): Webhook;
  eventLoopDelay: EventLoopDelay;
  metrics: Metrics;
  hitFailpoint: HitFailpoint;
  newProcessId(): string;
  ids: Ids;
  clock: Clock;
  log: Logger;
};

const continuationOf = ({ sessions }: WireRunsDeps['options']): Continuation => sessions?.continueWith ?? 'entry';

/** How this process announces itself to the others when it takes its lease. */
const processInfo = ({ host, versions, agents, settings }: WireRunsDeps): Omit<ProcessInfo, 'id'> => ({
  host: host.name,
  pid: host.pid,
  appVersion: versions.app,
  sdkVersion: versions.sdk,
  agents: agents.names(),
  background: settings.role !== 'api',
});

/** The parts that decide which runs this process executes: its slots, its admission queue and its lease. */
function wireCapacity(deps: WireRunsDeps) {
  const { settings, store, eventLoopDelay, metrics, newProcessId, clock, log } = deps;
  const slots = createSlots(settings.runsMax);
  const active = createActiveRuns();
  const runMetrics = createRunMetrics({ store, slots, eventLoopDelay, metrics });
  return {
    slots,
    active,
    metrics: runMetrics,
    admission: createAdmission({
      slots,
      waitersMax: settings.queuedMax,
      background: active.background,
      metrics: runMetrics,
      clock,
    }),
    lease: createProcessLease({
      store,
      info: processInfo(deps),
      newId: newProcessId,
      leaseMs: settings.leaseMs,
      active,
      metrics: runMetrics,
      clock,
      log,
    }),
  };
}

type Capacity = ReturnType<typeof wireCapacity>;

/** The function that executes one attempt at a run. */
function wireExecution(
  { options, settings, store, agents, defaults, budgets, hitFailpoint, clock, log }: WireRunsDeps,
  { lease, metrics }: Capacity,
) {
  const contexts = toRunContexts(options.context);
  const executor = createExecutor({
    agents,
    contexts,
    sessionContext: createSessionContextReader(store),
    sessionInput: options.sessionInput,
    defaults: { ...defaults, modelProvider: journalProvider(defaults.modelProvider) },
    turnsMax: settings.turnsMax,
    runner: options.runner,
    approvalExpiryMs: settings.approvalExpiryMs,
    clock,
  });
  return createAttemptExecutor({
    store,
    executor,
    lease,
    contexts,
    effectDefault: settings.toolEffectDefault,
    toolOutputBytesMax: settings.toolOutputBytesMax,
    historyItemsMax: settings.historyItemsMax,
    budgets,
    watchGoneAgent: createGoneAgentWatch({
      agents,
      sessions: store.sessions,
      continueWith: continuationOf(options),
      log,
    }),
    logsContent: settings.logsContent,
    metrics,
    hitFailpoint,
    clock,
    log,
  });
}

/** Builds runs: the `service` that creates and reads them, their event `feed`, and the parts with a life of their own. */
export function wireRuns(deps: WireRunsDeps) {
  const { options, settings, versions, store, agents, models, budgets, acceptWebhook } = deps;
  const { eventLoopDelay, hitFailpoint, ids, clock, log } = deps;
  letRequestsChooseModels(models);
  const capacity = wireCapacity(deps);
  const { slots, active, admission, lease, metrics } = capacity;
  const inputRules = inputRulesOf(options.input ?? {}, settings, deps.providerFeatures);
  const feed = createEventFeed({ store, active, clock });
  const service = createRunService({
    store,
    agents,
    models,
    continueWith: continuationOf(options),
    executeAttempt: wireExecution(deps, capacity),
    feed,
    active,
    slots,
    admission,
    hitFailpoint,
    clock,
    ids,
    settings,
    lease,
    versions,
    acceptWebhook,
    budgets,
    inputRules,
  });
  const claimer = createClaimer({
    store,
    slots,
    admission,
    active,
    lease,
    role: settings.role,
    affinity: { agents: agents.names(), version: settings.versionAffinity === 'strict' ? versions.app : null },
    execute: service.resume,
    metrics,
    clock,
    log,
  });
  const arrivals = createArrivals();
  const leavesRunsToWorkers = settings.role === 'api';
  return {
    service,
    inputRules,
    feed,
    active,
    arrivals,
    lease,
    claimer,
    approvalExpiry: createApprovalExpiry({ store, metrics, clock, log }),
    /** Only in a process that executes no runs in the background. */
    unclaimedRunsWatch: leavesRunsToWorkers ? [createUnclaimedRunsWatch({ store, clock, log })] : [],
    /** What load shedding refuses new runs by. */
    loadShedding: { eventLoopDelay, delayMaxMs: settings.loopDelayMaxMs, metrics },
  };
}

/** See `wireRuns`. */
export type Runs = ReturnType<typeof wireRuns>;
