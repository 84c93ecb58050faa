export {
  type ProviderConfig,
  type ProviderOption,
  ProvidersError,
  providersOf,
  requestedWaitMs,
} from './chain/index.ts';
export { type Exchange, type InspectProviderOptions, inspectProvider, type ProviderFacts } from './inspection.ts';
export { type Answerer, answererOf, type ModelCall, modelCallOf, withModelCall } from './model-call.ts';
export {
  createPriceList,
  type MaxCost,
  type PricedModel,
  type PriceList,
  type RequestedModel,
} from './prices/index.ts';
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
export { wireProviders } from './wire.ts';
