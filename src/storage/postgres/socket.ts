import { existsSync, statSync } from 'node:fs';
import type { PostgresHost } from '../../platform/postgres-url.ts';

/** Where servers of this machine keep their socket: Debian's packages, and Postgres' own default. */
const folders = process.platform === 'win32' ? [] : ['/var/run/postgresql', '/tmp'];

const pathIn = (folder: string, port: number): string => `${folder.replace(/\/+$/, '')}/.s.PGSQL.${port}`;

/** The file of the socket by which a server is reached; null if it is reached over the network. */
export const socketPath = ({ host, port }: PostgresHost): string | null =>
  host?.startsWith('/') ? pathIn(host, port) : null;

/**
 * A server with its host: where the URL names none, the socket of this machine's server as for psql, else `localhost`.
 */
export function withHost({ host, port }: PostgresHost): PostgresHost & { host: string } {
  const found = host ?? folders.find((folder) => existsSync(pathIn(folder, port))) ?? 'localhost';
  return { host: found, port };
}

/** Checks that a host which is a path names the folder of a socket. @throws {Error} where it is the socket itself */
export function assertSocketFolder({ host }: PostgresHost): void {
  if (!host?.startsWith('/')) return;
  const isFolder = statSync(host, { throwIfNoEntry: false })?.isDirectory();
  if (isFolder === false) throw new Error(`its host ${host} is a file; host names the folder of a socket`);
}
