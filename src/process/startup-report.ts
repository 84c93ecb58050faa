import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { noKeyWarning, startupBanner } from './startup-banner.ts';

/** What there is to tell of a service that has started. */
export type Started = {
  /** Where requests are taken; null where none are. */
  url: string | null;
  probeUrl: string;
  /** How many processes serve. */
  workers: number;
  /** Whether anybody has a key for it. */
  hasKey: boolean;
};

/** Tells that the service has started: a developer in plain words, everybody else in the log. */
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
