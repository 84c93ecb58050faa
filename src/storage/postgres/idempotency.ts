import { toExactText, toNameText } from '../text.ts';
import type { Database, Statement } from './database.ts';

// The keys are written and compared by `create_run`, in migrations/002-operations.sql.
const selectKey: Statement = {
  name: 'select_idempotency_key',
  text: 'select 1 from idempotency_keys where tenant_id = $1 and key = $2',
};

/** Whether a tenant has used an idempotency key. */
export async function isKeyUsed(database: Database, tenantId: string, key: string): Promise<boolean> {
  return (await database.query(selectKey, [toNameText(tenantId), toExactText(key)])).length > 0;
}
