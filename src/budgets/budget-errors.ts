import { ServiceError } from '../platform/errors.ts';
import type { LimitUse } from './accounts.ts';

const amount = ({ unit, limit }: LimitUse) => (unit === 'usd' ? `${limit} USD` : `${limit} tokens`);

/** Says which budget is used up; `nowMs` is the time of day, for when it starts anew. */
export function budgetExceeded(limit: LimitUse, nowMs: number): ServiceError {
  const { scope, period, endsAtMs } = limit;
  if (period === 'run') {
    return new ServiceError('budget_exceeded', { reason: `The budget of a run, ${amount(limit)}, is used up.` });
  }
  const reason = `The budget of this ${scope}, ${amount(limit)} a ${period}, is used up until ${new Date(endsAtMs).toISOString()}.`;
  return new ServiceError('budget_exceeded', { reason }, { retryAfterMs: Math.max(0, endsAtMs - nowMs) });
}

/** Says that a budget in USD cannot be kept with this model. */
export const priceUnknown = (model: string): ServiceError =>
  new ServiceError('budget_exceeded', {
    reason: `There is a budget in USD, and what the model "${model}" costs is not known: name it in MODEL_PRICES.`,
  });
