import { wireAccess } from './access/index.ts';
import { wireAgents } from './agents/index.ts';
import { wireBudgets } from './budgets/index.ts';
import { wireHealth } from './health/index.ts';
import { wireKeys } from './keys/index.ts';
import { isStoreUnavailable } from './platform/errors.ts';
import { supervise } from './platform/lifecycle.ts';
import type { Logger } from './platform/logger.ts';
import type { Settings } from './platform/settings/settings.ts';
import { toStartError } from './platform/start-error.ts';
import { createGracefulStop } from './process/graceful-stop.ts';
import { createHooks } from './process/hooks.ts';
import { createPlatform } from './process/platform.ts';
import type { ServeOptions } from './process/serve-options.ts';
import { serveProcess } from './process/serve-process.ts';
import { type Servers, wireServers } from './process/servers.ts';
import { createStore } from './process/store.ts';
import type { PrimaryLink, Serving } from './process/workers/index.ts';
import { providersOf, wireProviders } from './providers/index.ts';
import { wireRetention } from './retention/index.ts';
import { type HitFailpoint, noFailpoints, patchNestedRuns, wireRuns } from './runs/index.ts';
import { wireSessions } from './sessions/index.ts';
import { wireWebhooks } from './webhooks/index.ts';

/** A service that accepts requests. */
export type RunningService = {
  /** The address of the API, such as `http://127.0.0.1:8000`; null with `PROCESS_ROLE=worker`, which has none. */
  url: string | null;
  /** The address of the probes and the metrics. */
  probeUrl: string;
  /**
   * Stops gracefully: see `PRESTOP_DELAY` and `SHUTDOWN_GRACE`. True if every run ended by itself.
   */
  stop(): Promise<boolean>;
};

/** What differs between processes: the failpoints of tests, and the link of a worker to its primary. */
type StartParts = { hitFailpoint?: HitFailpoint; link?: PrimaryLink | null };

/** Builds the features, from what stands on the store alone to what stands on other features. */
function wireFeatures(
  options: ServeOptions,
  settings: Settings,
  log: Logger,
  { hitFailpoint = noFailpoints, link = null }: StartParts,
) {
  const platform = createPlatform(settings);
  const newProcessId = () => platform.ids('proc');
  const reports = link === null || link.number === 1;
  const agents = wireAgents({ options, settings, reports, log });
  const providerConfigs = providersOf(options.providers, settings);
  const store = createStore(settings, log, { type: 'serves' });
  const base = { ...platform, settings, store, log };

  const providers = wireProviders(providerConfigs, { ...base, reports, processId: newProcessId() });
  const keys = wireKeys(base);
  const access = wireAccess({ ...base, keys });
  const budgets = wireBudgets({ ...base, keys, processId: () => runs.lease.processId() });
  const webhooks = wireWebhooks(base);
  const runs = wireRuns({
    ...base,
    options,
    agents: agents.registry,
    models: agents.models,
    defaults: providers.defaults,
    providerFeatures: providers.features,
    budgets: budgets.control,
    acceptWebhook: webhooks.service.accept,
    hitFailpoint,
    newProcessId,
  });
  const sessions = wireSessions({ ...base, inputRules: runs.inputRules });
  const retention = wireRetention(base);
  const health = wireHealth({ ...base, checkProviders: providers.check });
  return { ...base, agents, providers, keys, access, budgets, webhooks, runs, sessions, retention, health };
}

type Features = ReturnType<typeof wireFeatures>;

/** Everything that has a life, in the order of the start; it stops in reverse. */
function inOrder(options: ServeOptions, features: Features, { api, probes }: Servers, link: PrimaryLink | null) {
  const { store, providers, agents, runs, eventLoopDelay, budgets, webhooks, retention } = features;
  return supervise('service', [
    link?.heartbeat({ ...features, registry: features.metrics.registry }) ?? probes, // a worker's primary answers the probes
    store,
    ...providers.services,
    createHooks(options),
    ...agents.services,
    runs.lease,
    eventLoopDelay,
    ...(api === null ? [] : [api]),
    runs.claimer,
    runs.approvalExpiry,
    ...runs.unclaimedRunsWatch,
    budgets.control.service,
    webhooks.dispatcher,
    retention.pruner,
  ]);
}

/**
 * Builds the parts of a service and starts them in order; `stop` ends them in reverse. It installs no handlers and reads
 * no environment: `runProcess` does.
 *
 * @throws {RegistrationError} when the options cannot be served
 * @throws {ProvidersError} when its providers have mistakes
 * @throws {StartError} when the store cannot be used
 */
export async function startService(
  options: ServeOptions,
  settings: Settings,
  log: Logger,
  parts: StartParts = {},
): Promise<RunningService & Omit<Serving, 'url'>> {
  const { link = null } = parts;
  const features = wireFeatures(options, settings, log, parts);
  const closing = new AbortController();
  const servers = await wireServers(features, closing.signal);
  const services = inOrder(options, features, servers, link);
  patchNestedRuns();
  const hasKey = await services
    .start()
    .then(() => features.keys.anyValid(settings))
    .catch((error: unknown) => {
      throw isStoreUnavailable(error) ? toStartError('The store cannot be used', error) : error;
    });
  features.health.serving();
  return {
    hasKey,
    store: { place: features.store.place, environment: features.store.environment() },
    url: servers.api?.url() ?? null,
    probeUrl: link?.probeUrl ?? servers.probes.url(),
    stop: createGracefulStop({ ...features, api: servers.api, services, closing, link }),
  };
}

/**
 * Serves `options` as this process, or by workers that it keeps (see `WEB_CONCURRENCY`): reads the settings, starts, and
 * stops gracefully when it is told to. The first signal drains, the second ends the process at once; a stray error is
 * logged and drains too, with exit code 1.
 */
export const runProcess = (options: ServeOptions, hitFailpoint: HitFailpoint = noFailpoints): Promise<RunningService> =>
  serveProcess(options, (settings, log, link) => startService(options, settings, log, { hitFailpoint, link }));
