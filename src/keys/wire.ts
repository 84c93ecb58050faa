import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { Store } from '../storage/port/index.ts';
import { createKeyCache } from './key-cache.ts';
import { createKeyRevocationWatch } from './key-revocation-watch.ts';
import { createLastUsedRecorder } from './last-used.ts';
import { createKeyService } from './service.ts';

/** Dependencies of API keys. */
export type WireKeysDeps = {
  settings: Pick<Settings, 'rateLimit'>;
  store: Store;
  ids: Ids;
  clock: Clock;
  log: Logger;
};

/** Builds the parts that handle API keys. */
export function wireKeys({ settings, store: { keys: store }, ids, clock, log }: WireKeysDeps) {
  const cache = createKeyCache({ store, clock });
  return {
    cache,
    service: createKeyService({ keys: store, ids, clock, rateLimit: settings.rateLimit, log }),
    lastUsed: createLastUsedRecorder({ store, clock, log }),
    revocationWatch: createKeyRevocationWatch({ keys: cache, clock }),
    /** Whether at least one valid key exists, or callers need no key. */
    anyValid: async ({ authMode, adminApiKey }: Pick<Settings, 'authMode' | 'adminApiKey'>): Promise<boolean> =>
      authMode === 'none' || adminApiKey !== undefined || (await store.anyValid()),
  };
}
