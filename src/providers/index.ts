export { type Exchange, type InspectProviderOptions, inspectProvider, type ProviderFacts } from './inspection.ts';
export { createOpenAiProvider } from './model-provider.ts';
export { createProviderCheck } from './provider-check.ts';
export { createSimulatedModelProvider } from './simulated/index.ts';
