import type { Settings } from '../platform/settings/settings.ts';
import type { Pooling, PostgresFacts, SchemaFacts } from '../storage/port/index.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { mendOfNetwork } from './network-mend.ts';

/** The oldest Postgres that has all that is used. */
const majorMin = 14;
/** From here on the way to the database is felt in every step of a run. */
const slowMs = 50;

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

/** What is found of Postgres, as lines of the report. `replicas`: processes that will use it. */
export function judgePostgres(facts: PostgresFacts, settings: Settings, replicas: number): Finding[] {
  return [
    judgeServer(facts),
    judgeSchema(facts.schema, facts.mayCreate),
    judgePooling(facts, settings),
    judgeConnections(facts, settings, replicas),
  ];
}

/** A database that cannot be used: what `StoreSetupError` says, and the code of what lies behind it. */
export function unusablePostgres(message: string, code: string | null): Finding {
  const mends: Record<string, string> = {
    '28P01': 'Check user and password.',
    '28000': 'Check the user, and what pg_hba.conf allows (mostly TLS: sslmode=require).',
    '3D000': 'Create the database, or check its name.',
    '42501': 'Give the user the right to connect to the database and to use its schema.',
    '53300': 'All connections are taken: end some, raise max_connections, or lower DATABASE_POOL_MAX.',
    '57P03': 'It is starting or stopping: try again.',
  };
  const mend = mends[code ?? ''] ?? mendOfNetwork(code ?? (/timeout/i.test(message) ? 'timeout' : ''));
  return failed('store', message.endsWith('.') ? message : `${message}.`, mend, { code });
}

function judgeServer({ serverVersion, serverMajor, readOnly, encrypted, latencyMs }: PostgresFacts): Finding {
  const figures = { version: serverVersion, latency_ms: rounded(latencyMs), encrypted };
  const found = `Postgres ${serverVersion} answers in ${rounded(latencyMs)} ms`;
  if (serverMajor < majorMin) return failed('store', `${found}.`, `Use Postgres ${majorMin} or newer.`, figures);
  if (readOnly) {
    return failed('store', `${found}, but can only be read.`, 'Let DATABASE_URL lead to the primary.', figures);
  }
  if (latencyMs > slowMs) {
    return warning(
      'store',
      `${found}; a run waits for it at every step.`,
      'Put the service next to its database.',
      figures,
    );
  }
  return ok('store', `${found}, ${encrypted ? 'encrypted' : 'not encrypted'}.`, figures);
}

/** The version of a schema, for either engine. */
export function judgeSchema({ version, known, tooNew }: SchemaFacts, mayChange: boolean): Finding {
  const figures = { version, known };
  if (version === known) return ok('schema', `The schema has version ${known}, as it should.`, figures);
  if (tooNew) {
    const message = `The schema has version ${version}, and this version of agent-service knows ${known}.`;
    return failed('schema', message, 'Run the version that migrated it or a newer one, or restore a backup.', figures);
  }
  if (version !== null && version > known) {
    const message = `The schema has version ${version}, and says that this version of agent-service, which knows ${known}, works on it.`;
    return ok('schema', message, figures);
  }
  const found = version === null ? 'There is no schema yet' : `The schema has version ${version} of ${known}`;
  if (!mayChange) {
    const mend = 'Run `agent-service migrate` as a user who may make tables, or grant it: grant create on schema.';
    return failed('schema', `${found}, and the user may not make tables.`, mend, figures);
  }
  return warning(
    'schema',
    `${found}.`,
    'The next start brings it up to date, or `agent-service migrate` does.',
    figures,
  );
}

function judgePooling({ pooling, directPooling }: PostgresFacts, { store }: Settings): Finding {
  const figures = { database_url: pooling, database_direct_url: directPooling };
  const words: Record<Pooling, string> = {
    none: 'no pooler',
    sessions: 'a pooler of sessions',
    transactions: 'a pooler of transactions',
  };
  if (directPooling === 'none') {
    const direct = pooling === 'none' ? '' : ', none on the direct way';
    return ok('pooler', `There is ${words[pooling]} before Postgres${direct}.`, figures);
  }
  const isOwn = store.databaseDirectUrl !== store.databaseUrl;
  const found = `${isOwn ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL'} leads through ${words[directPooling]}`;
  const mend = 'Set DATABASE_DIRECT_URL to Postgres itself.';
  if (directPooling === 'sessions') {
    return warning('pooler', `${found}, which may end connections that are idle.`, mend, figures);
  }
  return failed(
    'pooler',
    `${found}, where signals and locks are lost: migrations, live events, takeovers.`,
    mend,
    figures,
  );
}

function judgeConnections({ connections, pooling }: PostgresFacts, { store }: Settings, replicas: number): Finding {
  const { usable, roleLimit, databaseLimit, others } = connections;
  const limit = Math.min(usable, roleLimit ?? usable, databaseLimit ?? usable);
  // One beside the pool hears signals and holds locks; a pooler has connections of its own for the rest.
  const each = pooling === 'none' ? store.poolMax + 1 : 1;
  const needed = replicas * each;
  const figures = { needed, limit, others, replicas };
  const sum = `${replicas} × ${pooling === 'none' ? `(${store.poolMax} + 1)` : '1'} = ${needed} of ${limit} connections`;
  const mend = 'Lower DATABASE_POOL_MAX, raise the limit, or put a pooler before Postgres.';
  if (needed > limit) return failed('connections', `Too many: ${sum}.`, mend, figures);
  if (needed > limit - others) {
    return warning('connections', `${sum}, but others have ${others} open.`, mend, figures);
  }
  return ok('connections', `${sum}; others have ${others} open.`, figures);
}
