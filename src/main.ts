// tidy: long because it wires every part of the process, in one place
import { hostname } from 'node:os';
import type { MCPServer, SessionInputCallback } from '@openai/agents';
import closeWithGrace from 'close-with-grace';
import type { Registry } from 'prom-client';
import {
  type AnyAgent,
  buildContext,
  type ContextBuilder,
  createAgentRegistry,
  findDurabilityGaps,
  tellDurabilityGaps,
} from './agents/index.ts';
import { bannerOf, noKeyNote } from './banner.ts';
import { readEnvironment } from './environment.ts';
import { createHealth } from './health/index.ts';
import { createKeyService } from './keys/index.ts';
import { createMcpConnections } from './mcp.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { createListener } from './platform/http/listener.ts';
import { createIds } from './platform/ids.ts';
import { type Service, supervise } from './platform/lifecycle.ts';
import { createLogger, type Logger } from './platform/logger.ts';
import { createLoopDelay } from './platform/loop-delay.ts';
import { quietSdk } from './platform/sdk.ts';
import { parseSettings, type Settings } from './platform/settings.ts';
import { StartError } from './platform/start-error.ts';
import { packageVersion, versions } from './platform/versions.ts';
import {
  createKeyGates,
  createProviderChain,
  createProviderCheck,
  createSimulatedModelProvider,
  createStoreBoard,
  type ProviderConfig,
  type ProviderOption,
  providersOf,
} from './providers/index.ts';
import { createPruner } from './retention/index.ts';
import {
  type ActiveRuns,
  createActiveRuns,
  createAdmission,
  createApprovalExpiry,
  createClaimer,
  createEventFeed,
  createExecutor,
  createProcessLease,
  createRunLife,
  createRunMetrics,
  createRunService,
  createSlots,
  type Faults,
  interceptNestedRuns,
  journalProvider,
  noFaults,
  type RunService,
} from './runs/index.ts';
import { buildProbeServer, buildServer } from './server.ts';
import { createSessionService } from './sessions/index.ts';
import type { Store } from './storage/port/index.ts';
import { createStore } from './stores.ts';
import {
  createAuthenticator,
  createKeyCache,
  createKeyUse,
  createKeyWatch,
  createMemoryRateLimiter,
} from './tenancy/index.ts';

/** What `serve()` takes. */
export type ServeOptions = {
  /** The agents on offer, by the names that callers use. */
  agents: Record<string, AnyAgent>;
  /** The agent that answers when the caller names none. Defaults to the first of `agents`. */
  entry?: string;
  /** Builds the SDK's run context from stored facts; must return a plain record. Defaults to an empty one. */
  context?: ContextBuilder;
  /**
   * Chooses what of a session a model is sent: given the history (the last whole turns of it, if `SESSION_MAX_ITEMS` is
   * set) and what the user says now, it returns the items to send, such as `[...history.slice(-4), ...newItems]`. What is
   * stored stays whole. It must choose the same when a run is executed again. Defaults to all items.
   */
  sessionInput?: SessionInputCallback;
  /** Called, and waited for, before requests are accepted; the place to open pools and warm caches. */
  onStart?: () => unknown;
  /**
   * Called, and waited for, after the last run has ended; the place to close what `onStart` opened. Called too when
   * `onStart` or a later part of the start fails.
   */
  onStop?: () => unknown;
  /** Connected before requests are accepted and closed after the last run; those that agents name are found. */
  mcpServers?: MCPServer[];
  /**
   * Model providers beyond what the environment configures, in the order in which they are asked when the one before
   * does not answer. See `docs/providers.md`. Defaults to none.
   */
  providers?: ProviderOption[];
};

/** A service that accepts requests. */
export type RunningService = {
  /** Where the API is, such as `http://127.0.0.1:8000`. */
  url: string;
  /** Where probes are answered. */
  probeUrl: string;
  /**
   * Stops gracefully: see `PRESTOP_DELAY` and `SHUTDOWN_GRACE`. True if every run ended by itself.
   */
  stop(): Promise<boolean>;
};

/** A service that was started here, and whether anybody has a key for it. */
type StartedService = RunningService & { hasKey: boolean };

/** A start that is told to stop has this long to come to its end. */
const startMs = 5_000;
/** Runs that were told to stop have this long to be recorded as such. */
const recordMs = 5_000;
/** Then the parts of the process have this long to close. */
const closeMs = 5_000;

const hooks = ({ onStart, onStop }: ServeOptions): Service => ({
  name: 'application',
  start: async () => void (await onStart?.()),
  stop: async () => void (await onStop?.()),
});

type ModelDeps = {
  settings: Settings;
  store: Store;
  registry: Registry;
  processId: string;
  clock: Clock;
  log: Logger;
};

/** Where answers of models come from: the chain of providers, or the simulated model where there is none. */
function createModels(
  providers: readonly ProviderConfig[],
  { settings, store, registry, processId, clock, log }: ModelDeps,
) {
  const board = createStoreBoard({ store, clock, log });
  const { share, leaveShares: leave } = store.providers;
  const keys = createKeyGates({ share, leave, processId, clock, log });
  const { runTimeoutMs: callMs, providerFirstEventMs: firstEventMs, providerIdleMs: idleMs } = settings;
  const limits = { callMs, firstEventMs, idleMs };
  const chain = createProviderChain({ providers, limits, board, keys, registry, clock, random: Math.random, log });
  const modelProvider = providers.length > 0 ? chain.provider : createSimulatedModelProvider({ clock });
  const check = createProviderCheck(providers);
  return {
    defaults: { modelProvider: journalProvider(modelProvider), model: settings.openai.model, guard: chain.guard },
    /** Looks how the providers are; null where there is none. */
    check: check && (async (signal: AbortSignal) => chain.outage() ?? (await check(signal))),
    services: [...chain.clients, board, keys],
  };
}

const probeContext = { runId: 'run_0', tenant: 'default', sessionId: null, metadata: {} };

/** Finds out before the first run whether the context option gives what it must. */
const contextCheck = (context: ContextBuilder | undefined): Service => ({
  name: 'context',
  start: async () => void (await buildContext(context, probeContext)),
  stop: async () => {},
});

/**
 * Wires the parts of a service and starts them in order. Nothing here touches the process; `runProcess` does.
 *
 * @throws {RegistrationError} when the options cannot be served
 * @throws {ProvidersError} when its providers have mistakes
 */
export async function startService(
  options: ServeOptions,
  settings: Settings,
  log: Logger,
  fault: Faults = noFaults,
): Promise<StartedService> {
  const clock = systemClock;
  const ids = createIds(clock.nowMs);
  const version = versions(settings.appVersion);
  const agents = createAgentRegistry(options.agents, options.entry);
  for (const gap of tellDurabilityGaps(findDurabilityGaps(agents), settings.toolEffectDefault)) log.warn(gap);
  const providers = providersOf(options.providers, settings);
  const store = createStore(settings, log, { executes: true });
  const slots = createSlots(settings.runsMax);
  const active = createActiveRuns();
  const feed = createEventFeed({ store, active, clock });
  const info = {
    host: hostname(),
    pid: process.pid,
    appVersion: version.app,
    sdkVersion: version.sdk,
    agents: agents.names(),
  };
  const newId = () => ids('proc');
  const loopDelay = createLoopDelay({ clock });
  const metrics = createRunMetrics({ store, slots, loopDelay });
  const admission = createAdmission({
    slots,
    waitersMax: settings.queuedMax,
    background: active.background,
    metrics,
    clock,
  });
  const models = createModels(providers, {
    settings,
    store,
    registry: metrics.registry,
    processId: newId(),
    clock,
    log,
  });
  const lease = createProcessLease({ store, info, newId, leaseMs: settings.leaseMs, active, metrics, clock, log });
  const executor = createExecutor({
    agents,
    context: options.context,
    sessionInput: options.sessionInput,
    defaults: models.defaults,
    turnsMax: settings.turnsMax,
    approvalExpiryMs: settings.approvalExpiryMs,
    clock,
  });
  const life = createRunLife({
    store,
    executor,
    lease,
    effectDefault: settings.toolEffectDefault,
    historyItemsMax: settings.historyItemsMax,
    metrics,
    fault,
    clock,
    log,
  });
  const runs = createRunService({
    store,
    agents,
    life,
    feed,
    active,
    slots,
    admission,
    fault,
    clock,
    ids,
    settings,
    lease,
    versions: version,
  });
  const affinity = { agents: agents.names(), version: settings.versionAffinity === 'strict' ? version.app : null };
  const claimer = createClaimer({
    store,
    slots,
    admission,
    active,
    lease,
    affinity,
    execute: runs.resume,
    metrics,
    clock,
    log,
  });
  const pruner = createPruner({
    retention: store.retention,
    retentionMs: settings.runRetentionMs,
    registry: metrics.registry,
    clock,
    random: Math.random,
    log,
  });
  const health = createHealth({
    provider: models.check,
    store: async (signal) => store.ping(signal).then(() => null),
    timeoutMs: settings.healthCheckTimeoutMs,
    providerDown: settings.readyzProviderDown,
    clock,
  });
  const keyCache = createKeyCache({ store: store.keys, clock });
  const { authMode: mode, adminApiKey } = settings;
  const closing = new AbortController();
  const app = await buildServer({
    settings,
    version: packageVersion(),
    log,
    ids,
    agents,
    runs,
    feed,
    sessions: createSessionService(store),
    keys: createKeyService({ keys: store.keys, ids, clock, rateLimit: settings.rateLimit, log }),
    health,
    authenticator: createAuthenticator({
      mode,
      adminApiKey,
      keys: keyCache,
      use: createKeyUse({ store: store.keys, clock, log }),
    }),
    keyWatch: createKeyWatch({ keys: keyCache, clock }),
    limiter: store.rateLimiter ?? createMemoryRateLimiter({ clock }),
    shedding: { loopDelay, delayMaxMs: settings.loopDelayMaxMs, metrics },
    closing: closing.signal,
  });
  const listen = { host: settings.host, orNextFree: settings.appEnv === 'development' };
  const probes = createListener({
    ...listen,
    name: 'probe server',
    app: await buildProbeServer(health, metrics.registry, log),
    port: settings.metricsPort,
    setting: 'METRICS_PORT',
  });
  const api = createListener({ ...listen, name: 'API server', app, port: settings.port, setting: 'PORT' });
  const services = supervise('service', [
    probes,
    store,
    ...models.services,
    hooks(options),
    createMcpConnections([...(options.mcpServers ?? []), ...agents.mcpServers()]),
    contextCheck(options.context),
    lease,
    loopDelay,
    api,
    claimer,
    createApprovalExpiry({ store, metrics, clock, log }),
    pruner,
  ]);

  interceptNestedRuns();
  await services.start();
  health.serving();
  return {
    hasKey: mode === 'none' || adminApiKey !== undefined || (await store.keys.anyValid()),
    url: api.url(),
    probeUrl: probes.url(),
    async stop() {
      health.draining();
      if (settings.prestopDelayMs > 0) await clock.sleep(settings.prestopDelayMs);
      // Whoever kept a connection and heard nothing over it since has to go elsewhere, instead of being refused here.
      const hungUp = api.hangUp();
      // Without a delay new runs are refused from the very moment of the signal on.
      if (settings.prestopDelayMs > 0) await hungUp;
      runs.close();
      active.leaveBackground();
      await claimer.stop(AbortSignal.timeout(recordMs));
      await lease.stopClaiming();
      const drained = await drain(active, runs, settings);
      closing.abort();
      await services.stop(AbortSignal.timeout(closeMs));
      return drained;
    },
  };
}

/** Lets the runs in flight end; what is left at the end of the grace goes on elsewhere, or here after a restart. */
async function drain(active: ActiveRuns, runs: RunService, { shutdownGraceMs }: Settings): Promise<boolean> {
  if (await active.idle(AbortSignal.timeout(shutdownGraceMs))) return true;
  active.stopAll('shutting_down');
  runs.stopWaiting();
  await active.idle(AbortSignal.timeout(recordMs));
  return false;
}

/** Everything that is known of an error, except fields of its own, which may hold secrets. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\nCaused by: ${describe(error.cause)}`;
}

/** Ends the process: with the message alone where that says it all. */
function failStart(error: unknown): never {
  process.stderr.write(`${error instanceof StartError ? error.message : describe(error)}\n`);
  process.exit(1);
}

/** Tells that requests are accepted: a developer in plain words, everybody else in the log. */
function announce({ url, probeUrl, hasKey }: StartedService, settings: Settings, log: Logger): void {
  if (settings.appEnv === 'development') {
    return void process.stdout.write(bannerOf({ url, probeUrl }, { ...settings, hasKey }));
  }
  log.info(
    { url, probeUrl, env: settings.appEnv, store: settings.store.databaseUrl ? 'postgres' : 'sqlite' },
    'accepting requests',
  );
  if (settings.simulated) log.warn('no OPENAI_API_KEY: a simulated model answers');
  if (settings.authMode === 'api_key' && !hasKey) log.warn(noKeyNote);
}

/** Installs the one door through which the process ends; `starting` is what has to end with it. */
function installExit(starting: Promise<RunningService>, settings: Settings, log: Logger): void {
  const delay = startMs + settings.prestopDelayMs + settings.shutdownGraceMs + recordMs + closeMs + 1_000;
  closeWithGrace({ delay, logger: log }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, 'a stray error ends the process');
    else log.info({ signal }, 'stopping');
    // A start under way is seen to its end first, so that what it has opened is closed; one that failed has closed it.
    const started = starting.catch(() => undefined);
    const service = (await Promise.race([started, systemClock.sleep(startMs)])) ?? undefined;
    const drained = (await service?.stop()) ?? true;
    log.info({ drained }, 'stopped');
    if (!drained) throw new Error('Runs were cut short at the end of SHUTDOWN_GRACE.');
  });
}

/**
 * Serves `options` as this process: reads the settings, starts, and stops through one door. The first signal drains,
 * the second ends at once; a stray error is logged and drains too, with exit code 1.
 */
export async function runProcess(options: ServeOptions, fault: Faults = noFaults): Promise<RunningService> {
  quietSdk();
  try {
    const parsed = parseSettings(readEnvironment());
    const settings = { ...parsed, simulated: parsed.simulated && !options.providers?.length };
    const log = createLogger({
      level: settings.logLevel,
      appName: settings.appName,
      readable: settings.appEnv === 'development',
    });
    const starting = startService(options, settings, log, fault);
    installExit(starting, settings, log);
    const service = await starting;
    announce(service, settings, log);
    return service;
  } catch (error) {
    return failStart(error);
  }
}
