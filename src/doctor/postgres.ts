import type { Settings } from '../platform/settings/settings.ts';
import type { Pooling, PostgresFacts, SchemaFacts } from '../storage/port/index.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { networkRemedy } from './network-remedy.ts';

/** The oldest supported major version of Postgres. */
const majorMin = 14;
/** From this latency on, the database slows down every step of a run. */
const slowMs = 50;

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

/** The findings about Postgres. `replicas`: the processes that will use it. */
export function assessPostgres(facts: PostgresFacts, settings: Settings, replicas: number): Finding[] {
  return [
    assessServer(facts),
    assessSchema(facts.schema, facts.mayCreate),
    assessPooling(facts, settings),
    assessConnections(facts, settings, replicas),
  ];
}

/** The finding for a database that cannot be used: the message of the `StoreSetupError`, and the code of its cause. */
export function unusablePostgres(message: string, code: string | null): Finding {
  const remedies: Record<string, string> = {
    '28P01': 'Check user and password.',
    '28000': 'Check the user, and what pg_hba.conf allows (mostly TLS: sslmode=require).',
    '3D000': 'Create the database, or check its name.',
    '42501': 'Give the user the right to connect to the database and to use its schema.',
    '53300': 'All connections are taken: end some, raise max_connections, or lower DATABASE_POOL_MAX.',
    '57P03': 'It is starting or stopping: try again.',
  };
  const remedy = remedies[code ?? ''] ?? networkRemedy(code ?? (/timeout/i.test(message) ? 'timeout' : ''));
  return failed('store', message.endsWith('.') ? message : `${message}.`, remedy, { code });
}

function assessServer({ serverVersion, serverMajor, readOnly, encrypted, latencyMs }: PostgresFacts): Finding {
  const details = { version: serverVersion, latency_ms: rounded(latencyMs), encrypted };
  const found = `Postgres ${serverVersion} answers in ${rounded(latencyMs)} ms`;
  if (serverMajor < majorMin) return failed('store', `${found}.`, `Use Postgres ${majorMin} or newer.`, details);
  if (readOnly) {
    return failed('store', `${found}, but can only be read.`, 'Let DATABASE_URL lead to the primary.', details);
  }
  if (latencyMs > slowMs) {
    return warning(
      'store',
      `${found}; a run waits for it at every step.`,
      'Put the service next to its database.',
      details,
    );
  }
  return ok('store', `${found}, ${encrypted ? 'encrypted' : 'not encrypted'}.`, details);
}

/** The version of a schema, for either engine. */
export function assessSchema({ version, known, tooNew }: SchemaFacts, mayChange: boolean): Finding {
  const details = { version, known };
  if (version === known) return ok('schema', `The schema has version ${known}, as it should.`, details);
  if (tooNew) {
    const message = `The schema has version ${version}, and this version of agent-service knows ${known}.`;
    return failed('schema', message, 'Run the version that migrated it or a newer one, or restore a backup.', details);
  }
  if (version !== null && version > known) {
    const message = `The schema has version ${version}, and says that this version of agent-service, which knows ${known}, works on it.`;
    return ok('schema', message, details);
  }
  const found = version === null ? 'There is no schema yet' : `The schema has version ${version} of ${known}`;
  if (!mayChange) {
    const remedy = 'Run `agent-service migrate` as a user who may make tables, or grant it: grant create on schema.';
    return failed('schema', `${found}, and the user may not make tables.`, remedy, details);
  }
  return warning(
    'schema',
    `${found}.`,
    'The next start brings it up to date, or `agent-service migrate` does.',
    details,
  );
}

function assessPooling({ pooling, directPooling }: PostgresFacts, { store }: Settings): Finding {
  const details = { database_url: pooling, database_direct_url: directPooling };
  const words: Record<Pooling, string> = {
    none: 'no pooler',
    sessions: 'a pooler of sessions',
    transactions: 'a pooler of transactions',
  };
  if (directPooling === 'none') {
    const direct = pooling === 'none' ? '' : ', none on the direct way';
    return ok('pooler', `There is ${words[pooling]} before Postgres${direct}.`, details);
  }
  const isOwn = store.databaseDirectUrl !== store.databaseUrl;
  const found = `${isOwn ? 'DATABASE_DIRECT_URL' : 'DATABASE_URL'} leads through ${words[directPooling]}`;
  const remedy = 'Set DATABASE_DIRECT_URL to Postgres itself.';
  if (directPooling === 'sessions') {
    return warning('pooler', `${found}, which may end connections that are idle.`, remedy, details);
  }
  return failed(
    'pooler',
    `${found}, where signals and locks are lost: migrations, live events, takeovers.`,
    remedy,
    details,
  );
}

function assessConnections({ connections, pooling }: PostgresFacts, { store }: Settings, replicas: number): Finding {
  const { usable, roleLimit, databaseLimit, others } = connections;
  const limit = Math.min(usable, roleLimit ?? usable, databaseLimit ?? usable);
  // One connection besides the pool listens for notifications and holds locks. A pooler multiplexes those of the pool.
  const each = pooling === 'none' ? store.poolMax + 1 : 1;
  const needed = replicas * each;
  const details = { needed, limit, others, replicas };
  const sum = `${replicas} × ${pooling === 'none' ? `(${store.poolMax} + 1)` : '1'} = ${needed} of ${limit} connections`;
  const remedy = 'Lower DATABASE_POOL_MAX, raise the limit, or put a pooler before Postgres.';
  if (needed > limit) return failed('connections', `Too many: ${sum}.`, remedy, details);
  if (needed > limit - others) {
    return warning('connections', `${sum}, but others have ${others} open.`, remedy, details);
  }
  return ok('connections', `${sum}; others have ${others} open.`, details);
}
