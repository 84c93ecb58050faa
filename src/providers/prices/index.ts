export { createMaxCostEstimator, type MaxCost, type RequestedModel } from './max-cost.ts';
export { createPriceList, type PricedModel, type PriceList } from './price-list.ts';
