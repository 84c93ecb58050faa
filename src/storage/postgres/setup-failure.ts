import pg from 'pg';
import { ServiceError } from '../../platform/errors.ts';
import { StoreSetupError } from '../setup-error.ts';
import { describeUrl } from './connection.ts';
import { reasonOf } from './errors.ts';

/** What to do about a refusal of the server, by its SQLSTATE. */
const remedies: Readonly<Record<string, string>> = {
  '3D000': 'create it with createdb, or name another one',
  '25006': 'name the primary, since the service writes',
  '42501': 'grant the role the right, such as CREATE on the schema',
  '28P01': 'write its special characters as the docs of the URL say, or set another one',
};

/** The same where the server wants a connection to be encrypted, or not to be (`pg_hba.conf`). */
function remedyOf(cause: unknown): string {
  if (!(cause instanceof pg.DatabaseError)) return '';
  const remedy = cause.code === '28000' ? tlsRemedy(cause.message) : remedies[cause.code ?? ''];
  return remedy === undefined ? '' : `; ${remedy}`;
}

function tlsRemedy(message: string): string | undefined {
  if (/no encryption$|SSL off$/.test(message)) return 'the server may want TLS: sslmode=require';
  return /SSL encryption$|SSL on$/.test(message) ? 'the server may want no TLS: sslmode=disable' : undefined;
}

/**
 * Does `work`; its error names the setting and its target, without the password.
 *
 * @throws {StoreSetupError} with what `work` threw as its cause
 */
export async function attempt<T>(setting: string, url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreSetupError) throw error;
    const cause = error instanceof ServiceError ? error.cause : error;
    const reason = `${reasonOf(cause)}${remedyOf(cause)}`;
    throw new StoreSetupError(`${setting} leads to ${describeUrl(url)}, which cannot be used: ${reason}`, { cause });
  }
}
