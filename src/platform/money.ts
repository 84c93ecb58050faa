/** Nanodollars in a dollar. Amounts of money are stored as whole nanodollars, so that their sums are exact. */
const nanoPerUsd = 1e9;

/** USD in whole nanodollars. */
export const toNanoUsd = (usd: number): number => Math.round(usd * nanoPerUsd);

/** Nanodollars in USD. */
export const toUsd = (nanoUsd: number): number => nanoUsd / nanoPerUsd;
