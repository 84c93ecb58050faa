import pg from 'pg';

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

/**
 * The URL as `pg` needs it, so that `sslmode` means the same as in every other client of Postgres (libpq's
 * documentation, "SSL Support"): `require` encrypts and trusts any certificate, `verify-full` checks it. Without
 * `sslmode` the connection is not encrypted.
 */
export function connectionString(url: string): string {
  const differs = /[?&]sslmode=(prefer|require|verify-ca)\b/.test(url) && !/[?&]uselibpqcompat=/.test(url);
  return differs ? `${url}&uselibpqcompat=true` : url;
}

/** The target of a URL, for people: user, host, port and database, never the password. */
export function describeUrl(url: string): string {
  if (!URL.canParse(url)) return 'an address that cannot be read';
  const { username, hostname, port, pathname } = new URL(url);
  return `database "${decodeURIComponent(pathname.slice(1))}" on ${hostname}:${port || '5432'} as "${decodeURIComponent(username)}"`;
}
