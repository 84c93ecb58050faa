import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { ProviderConfig } from './chain/index.ts';
import { proxyOrigin } from './transport/index.ts';

/** Logs which providers are called through which proxy, and which straight. Where there is no proxy, nothing is logged. */
export function reportRoutes(
  providers: readonly ProviderConfig[],
  { http, https }: Settings['proxies'],
  log: Logger,
): void {
  if (http === undefined && https === undefined) return;
  const routes = providers.map(({ name, connection: { proxyUrl } }): [string, string] => [
    name,
    proxyUrl === undefined ? 'straight' : proxyOrigin(proxyUrl),
  ]);
  log.info({ providers: Object.fromEntries(routes) }, 'routes to the model providers');
}
