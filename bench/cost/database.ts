/** A Postgres for the measurement alone. */
import pg from 'pg';
import { startPostgresServer } from '../../tests/support/postgres-server.ts';
import { cpuWithChildrenMs, parentOf } from './proc.ts';

/** A database on a server of its own. */
export type BenchDatabase = {
  url: string;
  /** CPU time of the whole server, in ms. */
  cpuMs(): number;
  /** Transactions committed in the database so far, those of connections that are open still left out. */
  commits(): Promise<number>;
  remove(): Promise<void>;
};

/** Starts the server and makes the database; without `tidied` Postgres leaves it alone, and commits nothing by itself. */
export async function startDatabase(name: string, { tidied }: { tidied: boolean }): Promise<BenchDatabase> {
  const server = await startPostgresServer();
  const removeAtExit = () => server.remove();
  process.once('exit', removeAtExit);
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.query(`alter system set autovacuum = ${tidied}`);
  await admin.query('select pg_reload_conf()');
  const { rows } = await admin.query<{ pid: number }>('select pg_backend_pid() as pid');
  const serverPid = parentOf(rows[0]?.pid ?? 0);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    cpuMs: () => cpuWithChildrenMs(serverPid),
    async commits() {
      const found = await admin.query<{ commits: string }>(
        'select xact_commit as commits from pg_stat_database where datname = $1',
        [name],
      );
      return Number(found.rows[0]?.commits);
    },
    async remove() {
      await admin.end();
      server.remove();
      process.off('exit', removeAtExit);
    },
  };
}
