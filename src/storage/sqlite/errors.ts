import { ServiceError } from '../../platform/errors.ts';
import { notStorable, toEncodingError } from '../not-storable.ts';

// Primary result codes of SQLite (https://sqlite.org/rescode.html) of which the statement is the cause, not the database.
const statementErrors: readonly number[] = [1 /* ERROR */, 19 /* CONSTRAINT */];

// Result codes, primary or extended, of which a value is the cause: no other try would be different.
const refusedCodes: readonly number[] = [
  18, // TOOBIG
  20, // MISMATCH
  275, // CONSTRAINT_CHECK
  1299, // CONSTRAINT_NOTNULL
  3091, // CONSTRAINT_DATATYPE
];

/** SQLite's primary result code when another process has the lock that a statement needs. */
export const busyCode = 5;

const extendedCode = (error: unknown): number | null =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;

/** SQLite's primary result code of an error that `node:sqlite` threw, or null for any other error. */
export function resultCode(error: unknown): number | null {
  const code = extendedCode(error);
  return code === null ? null : code & 0xff;
}

/**
 * The error that an operation rejects with: `store_unavailable` if the database could not do its work (disk full,
 * unreadable, locked, closed), `not_storable` if it does not take a value, and the error itself if the operation is its
 * cause, such as a key that is taken.
 */
export function toOperationError(error: unknown): unknown {
  const code = extendedCode(error);
  if (code === null) return toEncodingError(error);
  const primary = code & 0xff;
  if (refusedCodes.includes(code) || refusedCodes.includes(primary)) return refused(error as Error, code);
  return statementErrors.includes(primary) ? error : unavailable(error);
}

/** SQLite's messages name columns, types and constraints, and no values. */
const refused = ({ message }: Error, code: number): ServiceError =>
  notStorable(`SQLite refused it (${code}): ${message}`);

/** `store_unavailable`, with its cause. */
export function unavailable(cause: unknown): ServiceError<'store_unavailable'> {
  return new ServiceError('store_unavailable', {}, { cause });
}
