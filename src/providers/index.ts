export {
  type ProviderConfig,
  type ProviderOption,
  ProvidersError,
  providersOf,
  requestedWaitMs,
} from './chain/index.ts';
export { type Exchange, type InspectProviderOptions, inspectProvider, type ProviderFacts } from './inspection.ts';
export { type Answerer, answererOf, isEndUnstated, type ModelCall, withModelCall } from './model-call.ts';
export {
  createPriceList,
  type MaxCost,
  type RequestedModel,
} from './prices/index.ts';
export { toTokenCount } from './token-count.ts';
export { answerEnds, idText, type ModelConnection, newCallId, type Proxies } from './transport/index.ts';
export { type ProviderFeatures, wireProviders } from './wire.ts';
