import type { Clock } from '../platform/clock.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import { type Check, createHealth } from './service.ts';

/** What health is judged by. */
export type WireHealthDeps = {
  settings: Pick<Settings, 'healthCheckTimeoutMs' | 'readyzProviderDown'>;
  store: Pick<Store, 'ping'>;
  /** Checks the model providers; null where there is none. */
  checkProviders: Check | null;
  clock: Clock;
};

/** Builds health: what the probes answer. */
export const wireHealth = ({ settings, store, checkProviders, clock }: WireHealthDeps) =>
  createHealth({
    provider: checkProviders,
    store: async (signal) => store.ping(signal).then(() => null),
    timeoutMs: settings.healthCheckTimeoutMs,
    providerDown: settings.readyzProviderDown,
    clock,
  });
