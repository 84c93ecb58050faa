import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { waitMsMax } from './limits.ts';

/** The rows of a service's store, past the service: to change times that only the clock changes otherwise. */
export type StoreRows = {
  /** Moves the times of all runs, or of the given ones, back by `byMs`. */
  ageRuns(byMs: number, runIds?: readonly string[]): Promise<void>;
  /** Makes `count` copies of a run, with ids of their own. */
  copyRun(runId: string, count: number): Promise<void>;
  /** The characters of all runs, steps, events and items of sessions. */
  chars(): Promise<number>;
};

const times = ['created_at_ms', 'started_at_ms', 'finished_at_ms'];
const older = times.map((column) => `${column} = ${column} - :by`).join(', ');

const tables = ['runs', 'steps', 'events', 'session_items'];

/** Columns of a run that are not copied. */
const own = ['id', 'arrival'];

/** The rows of the store that a service with this environment and folder uses. */
export function storeRows({ env, dataDir }: { env: Record<string, string>; dataDir: string }): StoreRows {
  return env.DATABASE_URL === undefined ? embeddedRows(dataDir) : postgresRows(env.DATABASE_URL);
}

function embeddedRows(dataDir: string): StoreRows {
  const change = (text: string, values: Record<string, string | number>): void => {
    using database = new DatabaseSync(join(dataDir, 'agent-service.db'), { timeout: waitMsMax });
    database.prepare(text).run(values);
  };
  return {
    async ageRuns(by, ids) {
      if (ids === undefined) return change(`update runs set ${older}`, { by });
      change(`update runs set ${older} where id in (select value from json_each(:ids))`, {
        by,
        ids: JSON.stringify(ids),
      });
    },
    async chars() {
      using database = new DatabaseSync(join(dataDir, 'agent-service.db'), { timeout: waitMsMax });
      const rows = tables.map((table) => database.prepare(`select * from ${table}`).all());
      return JSON.stringify(rows).length;
    },
    async copyRun(id, count) {
      using database = new DatabaseSync(join(dataDir, 'agent-service.db'), { timeout: waitMsMax });
      const columns = database
        .prepare("select name from pragma_table_info('runs')")
        .all()
        .map(({ name }) => `${name}`);
      const same = columns.filter((name) => !own.includes(name)).join(', ');
      change(
        `with recursive copies (n) as (select 1 union all select n + 1 from copies where n < :count)
         insert into runs (id, ${same}) select :id || '_' || n, ${same} from runs, copies where id = :id`,
        { id, count },
      );
    },
  };
}

function postgresRows(url: string): StoreRows {
  const query = async (text: string, values: unknown[]): Promise<pg.QueryResult> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client.query(text, values).finally(() => client.end());
  };
  return {
    async ageRuns(byMs, ids = undefined) {
      await query(
        `update runs set ${older.replaceAll(':by', '$1::bigint')} where $2::text[] is null or id = any ($2)`,
        [byMs, ids ?? null],
      );
    },
    async chars() {
      const rows = await Promise.all(tables.map(async (table) => (await query(`select * from ${table}`, [])).rows));
      return JSON.stringify(rows).length;
    },
    async copyRun(id, count) {
      const { rows } = await query(
        `select string_agg(column_name, ', ') as same from information_schema.columns
         where table_name = 'runs' and column_name <> all ($1)`,
        [own],
      );
      await query(
        `insert into runs (id, ${rows[0].same})
         select $1 || '_' || n, ${rows[0].same} from runs, generate_series(1, $2::integer) as n where id = $1`,
        [id, count],
      );
    },
  };
}
