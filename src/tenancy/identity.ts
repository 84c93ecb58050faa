import { type KeyLimits, noLimits, type Scope, scopes } from '../storage/port/index.ts';

/** The tenant and the rights of the caller of a request. */
export type Identity = {
  tenantId: string;
  /** The API key of the request; `admin` for `ADMIN_API_KEY`, null if the service requires no key. */
  keyId: string | null;
  scopes: readonly Scope[];
  /** Whether the caller operates the service: an operator manages the keys and the budgets of every tenant. */
  isOperator: boolean;
  /** Whether the key is in the store, and may therefore be revoked or expire. */
  stored: boolean;
  limits: KeyLimits;
};

/** The tenant of every caller if the service requires no keys, and the tenant of `ADMIN_API_KEY`. */
export const defaultTenant = 'default';

const operator = (keyId: string | null): Identity => ({
  tenantId: defaultTenant,
  keyId,
  scopes,
  isOperator: true,
  stored: false,
  limits: noLimits,
});

/** The identity of callers if the service requires no keys, and of commands that access the store directly. */
export const anonymousOperator = operator(null);

/** The identity of the caller that sends `ADMIN_API_KEY`. */
export const adminOperator = operator('admin');
