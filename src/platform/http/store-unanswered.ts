import { ServiceError } from '../errors.ts';
import { retryAfterRules } from './retry-after.ts';

/** `store_unavailable` for a caller who has waited for the store in vain. */
export const storeUnanswered = (extras: { runId?: string; cause?: unknown } = {}): ServiceError<'store_unavailable'> =>
  new ServiceError('store_unavailable', {}, { ...extras, retryAfterMs: retryAfterRules.storeUnavailableMs });
