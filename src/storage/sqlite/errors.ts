import { ServiceError } from '../../platform/errors.ts';

// Primary result codes of SQLite (https://sqlite.org/rescode.html) of which the statement is the cause, not the database.
const statementErrors: readonly number[] = [1 /* ERROR */, 18 /* TOOBIG */, 19 /* CONSTRAINT */, 20 /* MISMATCH */];

/** SQLite's primary result code when another process has the lock that a statement needs. */
export const busyCode = 5;

/** SQLite's primary result code of an error that `node:sqlite` threw, or null for any other error. */
export function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

/**
 * The error that an operation rejects with: `store_unavailable` if the database could not do its work (disk full,
 * unreadable, locked, closed), and the error itself if the operation is its cause, such as a broken constraint.
 */
export function toOperationError(error: unknown): unknown {
  const code = resultCode(error);
  if (code === null || statementErrors.includes(code)) return error;
  return unavailable(error);
}

/** `store_unavailable`, with its cause. */
export function unavailable(cause: unknown): ServiceError<'store_unavailable'> {
  return new ServiceError('store_unavailable', {}, { cause });
}
