import { toTokenCount } from '../../providers/index.ts';

/** A count of tokens as the store takes it; what is no count is 0. */
export const toCount = (value: unknown): number => toTokenCount(value) ?? 0;
