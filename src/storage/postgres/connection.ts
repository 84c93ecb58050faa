import { readFileSync } from 'node:fs';
import pg from 'pg';
import { describeHost, type PostgresUrl, PostgresUrlError, parsePostgresUrl } from '../../platform/postgres-url.ts';

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

type Tls = Exclude<pg.ClientConfig['ssl'], undefined>;

/** The certificates and keys that parameters name. */
function readFiles(parameters: PostgresUrl['parameters']) {
  const read = (name: string) => {
    const file = parameters.get(name);
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  };
  const isSystem = parameters.get('sslrootcert') === 'system'; // the authorities that Node trusts
  const files = { ca: isSystem ? undefined : read('sslrootcert'), cert: read('sslcert'), key: read('sslkey') };
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined));
}

/**
 * TLS as the parameters of a URL ask for it. `sslmode` means the same as in every other client of Postgres (libpq's
 * documentation, "SSL Support"): `require` encrypts and trusts any certificate unless an authority is given,
 * `verify-full` checks it. Without `sslmode` it is for `pg` to decide, which does not encrypt.
 */
function toTls(parameters: PostgresUrl['parameters']): Tls | undefined {
  const mode = parameters.get('sslmode');
  const ssl = parameters.get('ssl');
  if (mode === 'disable' || ssl === 'false' || ssl === '0') return false;
  const files = readFiles(parameters);
  if (mode === undefined) {
    if (ssl === 'no-verify') return { rejectUnauthorized: false };
    const isAsked = ssl === 'true' || ssl === '1' || parameters.get('sslnegotiation') === 'direct';
    return Object.keys(files).length > 0 ? files : isAsked || undefined;
  }
  if (mode === 'verify-full' || parameters.get('sslrootcert') === 'system') return files;
  const checksAuthority = mode === 'verify-ca' || (mode === 'require' && 'ca' in files);
  return checksAuthority ? { ...files, checkServerIdentity: () => undefined } : { ...files, rejectUnauthorized: false };
}

/** Parameters that are not for `pg`. */
const notForDriver = ['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat', 'channel_binding'];

/**
 * What `pg` needs to connect to the first host of a URL. For several hosts see `newClient`.
 *
 * @throws {PostgresUrlError} where the text is no URL of a Postgres
 * @throws {Error} where a file that it names cannot be read
 */
export function clientConfig(text: string): pg.ClientConfig {
  const { hosts, user, password, database, parameters } = parsePostgresUrl(text);
  const [{ host, port }] = hosts;
  const ssl = toTls(parameters);
  const rest = [...parameters].filter(([name]) => !notForDriver.includes(name));
  return {
    ...Object.fromEntries(rest),
    ...(host !== null && { host }),
    ...(user !== null && { user }),
    ...(password !== null && { password }),
    ...(database !== null && { database }),
    ...(ssl !== undefined && { ssl }),
    ...(parameters.get('channel_binding') === 'require' && { enableChannelBinding: true }),
    port,
  };
}

/** The target of a URL, for people: user, hosts, ports and database, never the password. */
export function describeUrl(text: string): string {
  try {
    const { hosts, user, database } = parsePostgresUrl(text);
    const named = database ?? user;
    const as = user === null ? '' : ` as "${user}"`;
    return `${named === null ? 'the default database' : `database "${named}"`} on ${hosts.map(describeHost).join(', ')}${as}`;
  } catch (error) {
    if (error instanceof PostgresUrlError) return 'an address that cannot be read';
    throw error;
  }
}
