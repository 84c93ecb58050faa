export { createPriceList, type PricedModel, type PriceList } from './price-list.ts';
