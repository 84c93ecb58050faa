import type { Settings } from '../platform/settings/settings.ts';
import { mayUseStore } from '../storage/port/index.ts';
import { type Finding, warning } from './finding.ts';

/** A warning where the store is of another environment than the settings, so that a start with them is refused. */
export function assessStoreEnvironment(stamp: string | null, { appEnv, store }: Settings): Finding[] {
  const meant = store.environment ?? appEnv;
  if (stamp === null || mayUseStore(meant, stamp)) return [];
  const setting = store.environment === undefined ? 'APP_ENV' : 'STORE_ENV';
  const remedy = `Name another store, or set STORE_ENV=${stamp} if it is meant.`;
  return [
    warning('store', `The store is of ${stamp}, and ${setting} is ${meant}: a start is refused.`, remedy, {
      environment: stamp,
    }),
  ];
}
