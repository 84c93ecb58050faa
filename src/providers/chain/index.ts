export { createStoredBreakers } from './breakers/stored-breakers.ts';
export { createProviderChain, type ProviderChain } from './chain-provider.ts';
export {
  type ProviderConfig,
  type ProviderOption,
  ProvidersError,
  providersOf,
} from './deployments/provider-options.ts';
export { requestedWaitMs } from './faults/rate-limit-headers.ts';
export { createProviderKeyLimits } from './limits/provider-key-limits.ts';
