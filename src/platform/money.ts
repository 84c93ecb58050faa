/** Nanodollars in a dollar. Sums of money are whole nanodollars, so that they are exact. */
const nanoPerUsd = 1e9;

/** USD in whole nanodollars. */
export const toNanoUsd = (usd: number): number => Math.round(usd * nanoPerUsd);

/** Nanodollars in USD. */
export const toUsd = (nanoUsd: number): number => nanoUsd / nanoPerUsd;
