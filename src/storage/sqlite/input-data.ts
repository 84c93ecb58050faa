import { type InputDataRow, toInputData, toInputDataRow } from '../input-data-row.ts';
import type { InputData, NewRun } from '../port/index.ts';
import type { Sql } from './database.ts';

const insert = 'insert into run_input_data (run_id, tenant_id, n, marker, data) values (?, ?, ?, ?, ?)';

/** Stores the large data of the input of a new run. */
export function storeInputData(sql: Sql, { id, tenantId, inputData = [] }: NewRun): void {
  for (const [index, each] of inputData.entries()) {
    const row = toInputDataRow(each);
    sql(insert).run(id, tenantId, index + 1, row.marker, row.data);
  }
}

const select = 'select marker, data from run_input_data where run_id = ? and tenant_id = ? order by n';

/** See `RunStore.inputData`. */
export const readInputData = (sql: Sql, tenantId: string, runId: string): InputData[] =>
  (sql(select).all(runId, tenantId) as InputDataRow[]).map(toInputData);
