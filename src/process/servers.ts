import type { AccessControlOptions } from '../access/index.ts';
import type { AgentRegistry, ModelChoices } from '../agents/index.ts';
import type { BudgetService } from '../budgets/index.ts';
import type { Health } from '../health/index.ts';
import type { KeyRevocationWatch, KeyService } from '../keys/index.ts';
import { createListener, type Listener } from '../platform/http/listener.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { packageVersion } from '../platform/versions.ts';
import type { Runs } from '../runs/index.ts';
import { buildProbeServer, buildServer } from '../server.ts';
import type { SessionService } from '../sessions/index.ts';
import type { WebhookService } from '../webhooks/index.ts';

/** The features that the servers expose. */
export type WireServersDeps = {
  settings: Settings;
  ids: Ids;
  metrics: Metrics;
  log: Logger;
  agents: { registry: AgentRegistry; models: ModelChoices };
  runs: Pick<Runs, 'service' | 'feed' | 'arrivals' | 'loadShedding'>;
  sessions: { service: SessionService };
  keys: { service: KeyService; revocationWatch: KeyRevocationWatch };
  budgets: { service: BudgetService };
  webhooks: { service: WebhookService };
  access: AccessControlOptions;
  health: Health;
};

/** The servers of a process. */
export type Servers = {
  /** The HTTP API; null with `PROCESS_ROLE=worker`. */
  api: Listener | null;
  /** The probes and the metrics. */
  probes: Listener;
};

/** Builds the servers of the process, each on its port. Open event streams end when `closing` aborts. */
export async function wireServers(features: WireServersDeps, closing: AbortSignal): Promise<Servers> {
  const { settings, ids, metrics, log, agents, runs, sessions, keys, budgets, webhooks, access, health } = features;
  const listen = { host: settings.host, orNextFree: settings.appEnv === 'development' };
  const app = await buildServer({
    settings,
    version: packageVersion(),
    log,
    ids,
    agents: agents.registry,
    models: agents.models,
    runs: runs.service,
    feed: runs.feed,
    arrivals: runs.arrivals,
    loadShedding: runs.loadShedding,
    sessions: sessions.service,
    keys: keys.service,
    keyWatch: keys.revocationWatch,
    budgets: budgets.service,
    webhooks: webhooks.service,
    access,
    health,
    closing,
  });
  const probeApp = await buildProbeServer(health, metrics.registry, log);
  return {
    api:
      settings.role === 'worker'
        ? null
        : createListener({ ...listen, name: 'API server', app, port: settings.port, setting: 'PORT' }),
    probes: createListener({
      ...listen,
      name: 'probe server',
      app: probeApp,
      port: settings.metricsPort,
      setting: 'METRICS_PORT',
    }),
  };
}
