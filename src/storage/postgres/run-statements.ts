import { type RunRow, runColumns } from '../run-row.ts';
import type { Database, Statement } from './database.ts';

/** The columns of a run, as statements name them. */
export const columns = runColumns.join(', ');

/** `$1, $2, …` for `count` values. */
export const placeholders = (count: number): string =>
  Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');

/**
 * The column of a statement that may end a run: whether another run waits for its session. It is read in the same
 * transaction; a run that comes later finds the session free.
 */
export const awaited = 'next_in_line(tenant_id, session_id) is not null as awaited';

/** A row of `runs`; `awaited` is there if the statement names that column. */
export type Row = RunRow<boolean> & { awaited: boolean };

/** The run that a statement returns, or null if it returns no row. */
export async function queryRun(database: Database, statement: Statement, values: unknown[]): Promise<Row | null> {
  return (await database.query<Row>(statement, values))[0] ?? null;
}
