import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { noKeyWarning, startupBanner } from './startup-banner.ts';

/** The facts about a service that has started. */
export type Started = {
  /** The URL of the API; null if the process accepts no requests. */
  url: string | null;
  probeUrl: string;
  /** The number of processes that serve. */
  workers: number;
  /** Whether a valid key exists, or callers need none. */
  hasKey: boolean;
};

/** Reports the start of the service: as a banner on standard output in development, otherwise in the log. */
export function reportStartup({ url, probeUrl, workers, hasKey }: Started, settings: Settings, log: Logger): void {
  const { role, appEnv: env, store } = settings;
  if (env === 'development') {
    return void process.stdout.write(startupBanner({ url, probeUrl }, { ...settings, hasKey }));
  }
  log.info(
    { url, probeUrl, workers, role, env, store: store.databaseUrl ? 'postgres' : 'sqlite' },
    url === null ? 'executing runs' : 'accepting requests',
  );
  if (settings.simulated) log.warn('no OPENAI_API_KEY: a simulated model answers');
  if (url !== null && settings.authMode === 'api_key' && !hasKey) log.warn(noKeyWarning);
}
