import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import type pg from 'pg';
import type { PostgresHost, PostgresUrl } from '../../platform/postgres-url.ts';
import { socketPath } from './socket.ts';

type TlsOptions = Exclude<pg.ClientConfig['ssl'], undefined | boolean>;

/** How a connection is encrypted: not at all, if the server can (`prefer`), or in any case. */
export type Tls = { mode: 'off' } | { mode: 'prefer' | 'on'; options: TlsOptions };

type Parameters = PostgresUrl['parameters'];

/** The files that libpq looks for where none is named. */
const defaultFiles = {
  sslrootcert: 'root.crt',
  sslcert: 'postgresql.crt',
  sslkey: 'postgresql.key',
  sslcrl: 'root.crl',
};

/** The text of the file that a parameter names, or of the one in its place in the home folder; undefined for none. */
function readNamed(name: keyof typeof defaultFiles, parameters: Parameters): string | undefined {
  const named = parameters.get(name);
  const file = named || join(homedir(), '.postgresql', defaultFiles[name]);
  if (!named && !existsSync(file)) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${name} names a file that cannot be read (${(error as NodeJS.ErrnoException).code}): ${file}`);
  }
}

/** The certificates and keys of a connection, and what is asked of its protocol. */
function readOptions(parameters: Parameters): TlsOptions {
  const isSystem = parameters.get('sslrootcert') === 'system'; // the authorities that Node trusts
  const showsOwn = parameters.get('sslcertmode') !== 'disable';
  const cert = showsOwn ? readNamed('sslcert', parameters) : undefined;
  const key = cert === undefined ? undefined : readNamed('sslkey', parameters);
  if (cert !== undefined && key === undefined) throw new Error('sslcert names a certificate, and sslkey no key for it');
  const options: TlsOptions = {
    ca: isSystem ? undefined : readNamed('sslrootcert', parameters),
    cert,
    key,
    passphrase: parameters.get('sslpassword'),
    crl: readNamed('sslcrl', parameters),
    minVersion: parameters.get('ssl_min_protocol_version') as SecureVersion | undefined,
    maxVersion: parameters.get('ssl_max_protocol_version') as SecureVersion | undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** `sslmode`, or what the parameters of other drivers say in its place. */
function modeOf(parameters: Parameters): string {
  const mode = parameters.get('sslmode');
  if (mode !== undefined) return mode;
  const ssl = parameters.get('ssl');
  if (ssl === 'false' || ssl === '0') return 'disable';
  if (parameters.has('sslrootcert')) return 'verify-full'; // an authority that is named is meant to be asked
  return ssl === undefined ? 'prefer' : 'require';
}

/**
 * TLS as the parameters of a URL ask for it. `sslmode` means the same as in every other client of Postgres (libpq's
 * documentation, "SSL Support"), and is `prefer` without one: `prefer` encrypts if the server can and trusts any
 * certificate, `require` encrypts and trusts any certificate unless an authority is given, `verify-full` checks it.
 *
 * @throws {Error} where a file that the parameters name cannot be read
 */
export function toTls(parameters: Parameters): Tls {
  const mode = modeOf(parameters);
  if (mode === 'disable') return { mode: 'off' };
  const options = readOptions(parameters);
  if (mode === 'prefer') return { mode: 'prefer', options: { ...options, rejectUnauthorized: false } };
  if (mode === 'verify-full' || parameters.get('sslrootcert') === 'system') return { mode: 'on', options };
  const checksAuthority = mode === 'verify-ca' || (mode === 'require' && 'ca' in options);
  return {
    mode: 'on',
    options: checksAuthority
      ? { ...options, checkServerIdentity: () => undefined }
      : { ...options, rejectUnauthorized: false },
  };
}

/** The message by which a client asks whether a server encrypts (Postgres' documentation, "Message Formats"). */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Asks a server whether it encrypts. It answers before it asks for a password. Rejects where there is no answer. */
export function looksEncrypted({ host, port }: PostgresHost, limitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host ?? 'localhost', () => socket.write(sslRequest));
    socket.setTimeout(limitMs, () => socket.destroy(new Error('timeout expired')));
    socket.once('data', (answer) => {
      resolve(answer[0] === 'S'.charCodeAt(0));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Connection terminated unexpectedly')));
  });
}

/**
 * Decides for each server how connections to it are encrypted. On a socket they are not. With `prefer` the server is
 * asked once, and again after `forget`.
 */
export function createTlsChoice(tls: Tls, limitMs: number) {
  const known = new Map<string, boolean>();
  const keyOf = ({ host, port }: PostgresHost) => `${host}:${port}`;

  return {
    async optionsFor(host: PostgresHost): Promise<TlsOptions | false> {
      if (tls.mode === 'off' || socketPath(host) !== null) return false;
      if (tls.mode === 'on') return tls.options;
      const encrypts = known.get(keyOf(host)) ?? (await looksEncrypted(host, limitMs));
      known.set(keyOf(host), encrypts);
      return encrypts ? tls.options : false;
    },

    /** The server is asked again before the next connection, since it may have changed. */
    forget: (host: PostgresHost): void => void known.delete(keyOf(host)),
  };
}

/** See `createTlsChoice`. */
export type TlsChoice = ReturnType<typeof createTlsChoice>;
