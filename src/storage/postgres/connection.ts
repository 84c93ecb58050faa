import { userInfo } from 'node:os';
import pg from 'pg';
import { describeHost, type PostgresUrl, PostgresUrlError, parsePostgresUrl } from '../../platform/postgres-url.ts';
import { withHost } from './socket.ts';
import { toTls } from './tls.ts';

/** How long connecting may take, and in a pool also how long a query waits for a free connection. */
export const connectMs = 5_000;

const bigintOid = 20;

/**
 * How values of Postgres become JavaScript's. Whole numbers of 64 bits become numbers: here they are times and counts,
 * which stay far below 2^53. Set for each connection, so that another user of `pg` in the same process is not affected.
 */
export const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === bigintOid ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/** Parameters that `pg` has under the same name. */
const ofDriver = [
  'options',
  'sslnegotiation',
  'fallback_application_name',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
];

/** The user of a URL that names none: that of the process, as for psql. */
function processUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new Error('the URL names no user, and the user of this process has no name');
  }
}

/** How long connecting to one host may take, in ms: `connect_timeout`, else {@link connectMs}. */
export const hostMsOf = ({ parameters }: PostgresUrl): number =>
  Number(parameters.get('connect_timeout') ?? 0) * 1000 || connectMs;

/**
 * What `pg` needs to connect to the first host of a URL; what a URL without a host, a user or a database means is filled
 * in. Which host it is, how it is encrypted and what its password is, `clientClassOf` decides for each connection.
 *
 * @throws {PostgresUrlError} where the text is no URL of a Postgres
 * @throws {Error} where a file that it names cannot be read
 */
export function clientConfig(text: string): pg.ClientConfig {
  const url = parsePostgresUrl(text);
  const { hosts, password, parameters } = url;
  const user = url.user ?? processUser();
  const tls = toTls(parameters);
  const name = parameters.get('application_name') ?? parameters.get('fallback_application_name');
  return {
    ...Object.fromEntries([...parameters].filter(([each]) => ofDriver.includes(each))),
    ...withHost(hosts[0]),
    user,
    database: url.database ?? user,
    ssl: tls.mode === 'off' ? false : tls.options,
    ...(password !== null && { password }),
    ...(name !== undefined && { application_name: name }),
    ...(parameters.get('channel_binding') === 'require' && { enableChannelBinding: true }),
    ...(parameters.get('keepalives') === '0' && { keepAlive: false }),
    ...(parameters.has('keepalives_idle') && {
      keepAliveInitialDelayMillis: Number(parameters.get('keepalives_idle')) * 1000,
    }),
  };
}

/** The target of a URL, for people: user, hosts, ports and database, never the password. */
export function describeUrl(text: string): string {
  try {
    const { hosts, user, database } = parsePostgresUrl(text);
    const named = database ?? user;
    const as = user === null ? '' : ` as "${user}"`;
    const places = hosts.map((host) => describeHost(withHost(host)));
    return `${named === null ? 'the default database' : `database "${named}"`} on ${places.join(', ')}${as}`;
  } catch (error) {
    if (error instanceof PostgresUrlError) return 'an address that cannot be read';
    throw error;
  }
}
