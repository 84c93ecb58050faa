import { ServiceError } from '../platform/errors.ts';
import type { KeyLimits } from '../storage/port/index.ts';
import type { Identity } from '../tenancy/index.ts';
import type { CreateKey } from './schemas.ts';

/** The rate limit of keys without a limit of their own. */
export type DefaultRateLimit = { perMinute: number; burst: number };

/** The error for a field of a request that is not valid. */
export const invalidField = (path: string, message: string): ServiceError =>
  new ServiceError('validation_failed', { reason: `${path}: ${message}` }, { errors: [{ path, message }] });

const requestedLimits = (request: CreateKey): KeyLimits => ({
  rpm: request.rpm ?? null,
  burst: request.burst ?? null,
  budgetUsdDay: request.budget_usd_day ?? null,
  budgetTokensDay: request.budget_tokens_day ?? null,
  budgetUsdMonth: request.budget_usd_month ?? null,
  budgetTokensMonth: request.budget_tokens_month ?? null,
});

const wireName = (limit: string) => limit.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The limits of a new key. A caller that is no operator cannot give a key more than its own key has: a limit that is left
 * out is that of the caller's key, and a limit that is given may not be above it.
 *
 * @throws {ServiceError} `validation_failed` for a limit above that of the caller's key
 */
export function limitsOfNewKey(
  { isOperator, limits: own }: Identity,
  request: CreateKey,
  { perMinute, burst }: DefaultRateLimit,
): KeyLimits {
  const limits = requestedLimits(request);
  if (isOperator) return limits;
  const bounds: KeyLimits = { ...own, rpm: own.rpm ?? perMinute, burst: own.burst ?? burst };
  for (const name of Object.keys(limits) as (keyof KeyLimits)[]) {
    const bound = bounds[name];
    if (limits[name] !== null && bound !== null && limits[name] > bound) {
      throw invalidField(wireName(name), `may be at most ${bound}, as of the key that asks`);
    }
    limits[name] ??= own[name];
  }
  return limits;
}
