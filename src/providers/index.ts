export {
  createProviderChain,
  createProviderKeyLimits,
  createStoredBreakers,
  type ProviderChain,
  type ProviderConfig,
  type ProviderOption,
  ProvidersError,
  providersOf,
  retryAfterMs,
} from './chain/index.ts';
export { type Exchange, type InspectProviderOptions, inspectProvider, type ProviderFacts } from './inspection.ts';
export { type Answerer, answererOf, type ModelCall, modelCallOf, withModelCall } from './model-call.ts';
export { createPriceList, type PricedModel, type PriceList } from './prices/index.ts';
export { createProviderCheck } from './provider-check.ts';
export { createSimulatedModelProvider } from './simulated/index.ts';
export {
  type CallTimeout,
  createModelClient,
  MalformedAnswerError,
  type ModelApi,
  ModelCallTimeoutError,
  type ModelClient,
  type ModelConnection,
  type ModelTimeouts,
  type Proxies,
  proxyFor,
  TruncatedAnswerError,
} from './transport/index.ts';
