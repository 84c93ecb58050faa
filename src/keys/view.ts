import type { ApiKey } from '../storage/port/index.ts';
import type { KeyView } from './schemas.ts';

const toTime = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());

/** A stored key as the API shows it. */
export const toKeyView = (key: ApiKey): KeyView => ({
  key_id: key.id,
  tenant: key.tenantId,
  name: key.name,
  scopes: key.scopes,
  rpm: key.rpm,
  burst: key.burst,
  budget_usd_day: key.budgetUsdDay,
  budget_tokens_day: key.budgetTokensDay,
  budget_usd_month: key.budgetUsdMonth,
  budget_tokens_month: key.budgetTokensMonth,
  created_at: new Date(key.createdAtMs).toISOString(),
  expires_at: toTime(key.expiresAtMs),
  revoked_at: toTime(key.revokedAtMs),
  last_used_at: toTime(key.lastUsedAtMs),
});
