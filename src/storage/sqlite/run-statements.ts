import { runColumns } from '../run-row.ts';

/** The columns of a run, as statements name them. */
export const columns = runColumns.join(', ');

/** One run of a tenant; parameters: its id, the tenant. */
export const selectRun = `select ${columns} from runs where id = ? and tenant_id = ?`;
