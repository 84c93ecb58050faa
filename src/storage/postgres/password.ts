import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PostgresHost } from '../../platform/postgres-url.ts';

/** For which connection a password is looked up. */
export type PasswordQuery = PostgresHost & { database: string; user: string };

/** The parts of a line; `\:` and `\\` are a colon and a backslash of a part. */
function toParts(line: string): string[] {
  const parts = line.match(/(?:\\.|[^\\:])*(?::|$)/g) ?? [];
  return parts.map((part) => part.replace(/:$/, '').replace(/\\(.)/g, '$1'));
}

/** The password for a connection in the text of a password file; null for none. The first line that fits counts. */
export function findPassword(text: string, { host, port, database, user }: PasswordQuery): string | null {
  const isDefaultSocket = host === '/var/run/postgresql' || host === '/tmp';
  const wanted = [host === null || isDefaultSocket ? 'localhost' : host, `${port}`, database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const parts = toParts(line);
    const fits = wanted.every((value, index) => parts[index] === '*' || parts[index] === value);
    if (fits && parts[4]) return parts[4];
  }
  return null;
}

/**
 * The password for a connection whose URL has none, from the password file, for a server that asks for one.
 *
 * @param file the file that is named; null for `~/.pgpass`
 * @throws {Error} where there is none, in a sentence that says where one is looked for
 */
export function passwordFromFile(query: PasswordQuery, file: string | null): string {
  const path = file ?? join(homedir(), '.pgpass');
  const none = 'the server asks for a password, and the URL has none';
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new Error(`${none}${file === null ? '' : `, nor is there a file ${path}`}`);
  if (process.platform !== 'win32' && (found.mode & 0o77) !== 0) {
    throw new Error(`${none}; ${path} is not read while others may read it: chmod 600 ${path}`);
  }
  const password = findPassword(readFileSync(path, 'utf8'), query);
  if (password === null) throw new Error(`${none}, nor does ${path} have one for this host, port, database and user`);
  return password;
}
