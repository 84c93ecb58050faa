import { ServiceError } from '../platform/errors.ts';
import { retryAfterRules } from '../platform/http/retry-after.ts';
import type { LimitUse } from './accounts.ts';

const amount = ({ unit, limit }: LimitUse) => (unit === 'usd' ? `${limit} USD` : `${limit} tokens`);

/** The error for a budget that is used up. `nowMs` is the wall-clock time, from which the time of its reset is computed. */
export function budgetExceeded(limit: LimitUse, nowMs: number): ServiceError {
  const { scope, period, endsAtMs } = limit;
  if (period === 'run') {
    return new ServiceError('budget_exceeded', { reason: `The budget of a run, ${amount(limit)}, is used up.` });
  }
  const reason = `The budget of this ${scope}, ${amount(limit)} a ${period}, is used up until ${new Date(endsAtMs).toISOString()}.`;
  return new ServiceError('budget_exceeded', { reason }, { retryAfterMs: retryAfterRules.budgetMs(endsAtMs, nowMs) });
}

/** The error for a budget in USD that cannot be enforced because the price of the model is not known. */
export const priceUnknown = (model: string): ServiceError =>
  new ServiceError('budget_exceeded', {
    reason: `There is a budget in USD, and what the model "${model}" costs is not known: name it in MODEL_PRICES.`,
  });
