import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { losesSignals } from './parent-watch.ts';
import { noKeyWarning, startupBanner } from './startup-banner.ts';
import type { StoreFacts } from './workers/index.ts';

const lostSignalWarning =
  'process 1 of this container is a shell or npm, which lets no signal through: a stop of the container kills runs; start the service by exec, or as an array in the Dockerfile';

/** The facts about a service that has started. */
export type Started = {
  /** The URL of the API; null if the process accepts no requests. */
  url: string | null;
  probeUrl: string;
  /** The number of processes that serve. */
  workers: number;
  /** Whether a valid key exists, or callers need none. */
  hasKey: boolean;
  /** The store that is used, and its environment. */
  store: StoreFacts;
  /** The files that settings were read from. */
  files: readonly string[];
};

/** Reports the start of the service: as a banner on standard output in development, otherwise in the log. */
export function reportStartup(started: Started, settings: Settings, log: Logger): void {
  const { url, probeUrl, workers, hasKey, store, files } = started;
  const { role, appEnv: env } = settings;
  if (env === 'development') {
    return void process.stdout.write(startupBanner(started, { ...settings, hasKey }));
  }
  const engine = settings.store.databaseUrl ? 'postgres' : 'sqlite';
  log.info(
    { url, probeUrl, workers, role, env, store: engine, storeAt: store.place, storeEnv: store.environment, files },
    url === null ? 'executing runs' : 'accepting requests',
  );
  if (losesSignals()) log.warn(lostSignalWarning);
  if (settings.simulated) log.warn('no OPENAI_API_KEY: a simulated model answers');
  if (url !== null && settings.authMode === 'api_key' && !hasKey) log.warn(noKeyWarning);
}
