export { type Exchange, type InspectProviderOptions, inspectProvider, type ProviderFacts } from './inspection.ts';
export { createOpenAiProvider } from './model-provider.ts';
export { createProviderCheck } from './provider-check.ts';
export { createSimulatedModelProvider } from './simulated/index.ts';
export {
  type CallClock,
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
