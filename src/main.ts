import cluster from 'node:cluster';
import { hostname } from 'node:os';
import {
  createAuthenticator,
  createKeyCache,
  createKeyRevocationWatch,
  createLastUsedRecorder,
  createMemoryRateLimiter,
} from './access/index.ts';
import { contextCheck, createAgentRegistry, describeDurabilityGaps, findDurabilityGaps } from './agents/index.ts';
import { createMcpConnections } from './agents/mcp-connections.ts';
import { wireBudgets } from './budgets/wire.ts';
import { createHealth } from './health/index.ts';
import { createKeyService } from './keys/index.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { createEventLoopDelay } from './platform/event-loop-delay.ts';
import { tuneGarbageCollection } from './platform/gc-tuning.ts';
import { createListener, type Listener } from './platform/http/listener.ts';
import { createIds } from './platform/ids.ts';
import { type Service, supervise } from './platform/lifecycle.ts';
import { createLogger, type Logger } from './platform/logger.ts';
import { disableSdkDefaults } from './platform/sdk-defaults.ts';
import { parseSettings, type Settings, secretsOf } from './platform/settings/settings.ts';
import { packageVersion, versions } from './platform/versions.ts';
import { readEnvironment } from './process/environment.ts';
import { closeMs, endMs, failStart, installExit, primaryEndMs, recordMs, startedIn } from './process/exit.ts';
import { createPrimary } from './process/primary.ts';
import type { ServeOptions } from './process/serve-options.ts';
import { reportStartup } from './process/startup-report.ts';
import { createStore } from './process/store.ts';
import { countWorkers, joinPrimary, type PrimaryLink } from './process/workers/index.ts';
import { providersOf } from './providers/index.ts';
import { wireProviders } from './providers/wire.ts';
import { createPruner } from './retention/index.ts';
import {
  type ActiveRuns,
  createActiveRuns,
  createAdmission,
  createApprovalExpiry,
  createAttemptExecutor,
  createClaimer,
  createEventFeed,
  createExecutor,
  createProcessLease,
  createRunMetrics,
  createRunService,
  createSlots,
  createUnclaimedRunsWatch,
  type HitFailpoint,
  noFailpoints,
  patchNestedRuns,
  type RunService,
} from './runs/index.ts';
import { buildProbeServer, buildServer } from './server.ts';
import { createSessionService } from './sessions/index.ts';
import { wireWebhooks } from './webhooks/wire.ts';

/** A service that accepts requests. */
export type RunningService = {
  /** Where the API is, such as `http://127.0.0.1:8000`; null with `PROCESS_ROLE=worker`, which has none. */
  url: string | null;
  /** Where probes are answered. */
  probeUrl: string;
  /**
   * Stops gracefully: see `PRESTOP_DELAY` and `SHUTDOWN_GRACE`. True if every run ended by itself.
   */
  stop(): Promise<boolean>;
};

/** A service that was started here, and whether anybody has a key for it. */
type StartedService = RunningService & { hasKey: boolean };

const hooks = ({ onStart, onStop }: ServeOptions): Service => ({
  name: 'application',
  start: async () => void (await onStart?.()),
  stop: async () => void (await onStop?.()),
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
  { fault = noFailpoints, link = null }: { fault?: HitFailpoint; link?: PrimaryLink | null } = {},
): Promise<StartedService> {
  const { role } = settings;
  const clock = systemClock;
  const ids = createIds(clock.nowMs);
  const version = versions(settings.appVersion);
  const agents = createAgentRegistry(options.agents, options.entry);
  const gaps = describeDurabilityGaps(findDurabilityGaps(agents), settings.toolEffectDefault);
  if (link === null || link.number === 1) for (const gap of gaps) log.warn(gap); // all workers have the same
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
    background: role !== 'api',
  };
  const newId = () => ids('proc');
  const loopDelay = createEventLoopDelay({ clock });
  const metrics = createRunMetrics({ store, slots, loopDelay });
  const admission = createAdmission({
    slots,
    waitersMax: settings.queuedMax,
    background: active.background,
    metrics,
    clock,
  });
  const models = wireProviders(providers, {
    settings,
    store,
    registry: metrics.registry,
    processId: newId(),
    clock,
    log,
  });
  const lease = createProcessLease({ store, info, newId, leaseMs: settings.leaseMs, active, metrics, clock, log });
  const keyCache = createKeyCache({ store: store.keys, clock });
  const budgets = wireBudgets(settings, {
    store,
    keys: keyCache,
    processId: lease.processId,
    ids,
    registry: metrics.registry,
    clock,
    log,
  });
  const executor = createExecutor({
    agents,
    context: options.context,
    sessionInput: options.sessionInput,
    defaults: models.defaults,
    turnsMax: settings.turnsMax,
    approvalExpiryMs: settings.approvalExpiryMs,
    clock,
  });
  const life = createAttemptExecutor({
    store,
    executor,
    lease,
    effectDefault: settings.toolEffectDefault,
    historyItemsMax: settings.historyItemsMax,
    budgets: budgets.control,
    logsContent: settings.logsContent,
    metrics,
    fault,
    clock,
    log,
  });
  const webhooks = wireWebhooks(settings.webhooks, { store: store.webhooks, registry: metrics.registry, clock, log });
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
    acceptWebhook: webhooks.service.accept,
    budgets: budgets.control,
  });
  const affinity = { agents: agents.names(), version: settings.versionAffinity === 'strict' ? version.app : null };
  const claimer = createClaimer({
    store,
    slots,
    admission,
    active,
    lease,
    role,
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
    budgets: budgets.service,
    webhooks: webhooks.service,
    health,
    authenticator: createAuthenticator({
      mode,
      adminApiKey,
      keys: keyCache,
      use: createLastUsedRecorder({ store: store.keys, clock, log }),
    }),
    keyWatch: createKeyRevocationWatch({ keys: keyCache, clock }),
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
  const api =
    role === 'worker'
      ? null
      : createListener({ ...listen, name: 'API server', app, port: settings.port, setting: 'PORT' });
  const services = supervise('service', [
    // A worker's primary answers probes for all.
    link?.heartbeat({ health, registry: metrics.registry, clock }) ?? probes,
    store,
    ...models.services,
    hooks(options),
    createMcpConnections([...(options.mcpServers ?? []), ...agents.mcpServers()]),
    contextCheck(options.context),
    lease,
    loopDelay,
    ...(api ? [api] : []),
    claimer,
    createApprovalExpiry({ store, metrics, clock, log }),
    ...(role === 'api' ? [createUnclaimedRunsWatch({ store, clock, log })] : []),
    budgets.control.service,
    webhooks.dispatcher,
    pruner,
  ]);

  patchNestedRuns();
  await services.start();
  health.serving();
  return {
    hasKey: mode === 'none' || adminApiKey !== undefined || (await store.keys.anyValid()),
    url: api?.url() ?? null,
    probeUrl: link?.probeUrl ?? probes.url(),
    async stop() {
      health.draining();
      if (api !== null) await turnAway(api, clock, settings, link);
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

/** Has callers go elsewhere, so that none has to be refused. */
async function turnAway(api: Listener, clock: Clock, { prestopDelayMs }: Settings, link: PrimaryLink | null) {
  // Of several workers one that ends while others serve on gets no more connections: there is nobody who has to learn it.
  const alone = link !== null && !link.endsWithAll();
  if (alone) api.stopAccepting();
  else if (prestopDelayMs > 0) await clock.sleep(prestopDelayMs);
  // Whoever kept a connection and heard nothing over it since has to go elsewhere, instead of being refused here.
  const hungUp = api.hangUp();
  // Without a delay new runs are refused from the very moment of the signal on.
  if (alone || prestopDelayMs > 0) await hungUp;
}

/** The keys of providers that the application names. */
const keysIn = ({ providers = [] }: ServeOptions): (string | undefined)[] =>
  providers.map((each) => (typeof each === 'string' ? undefined : each.apiKey));

/** Keeps `count` workers as this process, which serves nothing itself. */
async function runPrimary(settings: Settings, count: number, log: Logger): Promise<RunningService> {
  const primary = await createPrimary(settings, count, log);
  const exit = installExit({
    stop: primary.stop,
    delayMs: primaryEndMs(settings),
    onForce: primary.kill,
    log,
  });
  const started = await primary.start().catch((error: unknown) => {
    if (exit.isLeaving()) return new Promise<never>(() => {}); // the start was undone, and the process ends
    throw error;
  });
  reportStartup({ ...started, workers: count }, settings, log);
  return { url: started.url, probeUrl: started.probeUrl, stop: primary.stop };
}

/** Serves as this process, alone or as one of the workers of a primary. */
async function runService(
  options: ServeOptions,
  settings: Settings,
  log: Logger,
  parts: { fault: HitFailpoint; link: PrimaryLink | null },
): Promise<RunningService> {
  const { link } = parts;
  const starting = startService(options, settings, log, parts);
  const stop = async () => (await (await startedIn(starting))?.stop()) ?? true;
  installExit({ stop, delayMs: endMs(settings), link, log });
  const service = await starting;
  if (link === null) reportStartup({ ...service, workers: 1 }, settings, log);
  else {
    log.info({ url: service.url }, 'worker started');
    await link.serving(service);
  }
  return service;
}

/**
 * Serves `options` as this process, or by workers that it keeps (see `WEB_CONCURRENCY`): reads the settings, starts, and
 * stops through one door. The first signal drains, the second ends at once; a stray error is logged and drains too, with
 * exit code 1.
 */
export async function runProcess(options: ServeOptions, fault: HitFailpoint = noFailpoints): Promise<RunningService> {
  disableSdkDefaults(process.env);
  tuneGarbageCollection();
  let link: PrimaryLink | null = null;
  try {
    const environment = readEnvironment();
    link = joinPrimary(environment);
    const parsed = parseSettings(environment);
    const settings = { ...parsed, simulated: parsed.simulated && !options.providers?.length };
    const log = createLogger({
      level: settings.logLevel,
      appName: settings.appName,
      worker: link?.number,
      secrets: [...secretsOf(settings), ...keysIn(options)],
      readable: settings.appEnv === 'development',
    });
    const workers = countWorkers(settings);
    // In a cluster that somebody else keeps, each process serves as it would alone.
    if (cluster.isPrimary && workers > 1) return await runPrimary(settings, workers, log);
    return await runService(options, settings, log, { fault, link });
  } catch (error) {
    return failStart(error, link);
  }
}
