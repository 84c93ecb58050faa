export { createProviderChain, type ProviderChain } from './chain-provider.ts';
export { createKeyGates } from './key-gates.ts';
export { type ProviderConfig, type ProviderOption, ProvidersError, providersOf } from './provider-options.ts';
export { createStoreBoard } from './store-board.ts';
export { retryAfterMs } from './waiting-time.ts';
