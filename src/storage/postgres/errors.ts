import pg from 'pg';
import { ServiceError } from '../../platform/errors.ts';

// SQLSTATEs, or the first two characters for a whole class, of which the database or the network is the cause, not the
// statement (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const unavailableClasses = new Set([
  '08', // connection exception
  '28', // invalid authorization
  '40', // transaction rollback: deadlock, serialization
  '53', // insufficient resources: connections, disk, memory
  '55', // object not in prerequisite state: a lock not available
  '57', // operator intervention: shutdown, starting up, cancelled by a timeout
  '58', // system error
]);
const unavailableStates = new Set([
  '25006', // read only, as a former primary is after a failover
  '3D000', // the database does not exist
]);

/** `store_unavailable`, with its cause. */
export function unavailable(cause: unknown): ServiceError<'store_unavailable'> {
  return new ServiceError('store_unavailable', {}, { cause });
}

/**
 * The error that an operation rejects with: `store_unavailable` if the database could not be reached or could not do its
 * work, and the error itself if the operation is its cause, such as a broken constraint.
 */
export function toOperationError(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) {
    error.detail = undefined; // it may quote the row, and so what a user wrote, where errors are logged
    const state = error.code ?? '';
    return unavailableStates.has(state) || unavailableClasses.has(state.slice(0, 2)) ? unavailable(error) : error;
  }
  // Other errors come from the socket or from the driver, which reports a lost connection with plain errors.
  const isOwn = error instanceof TypeError || error instanceof RangeError || error instanceof ServiceError;
  return isOwn ? error : unavailable(error);
}

/** The message of an error, for people; some errors of the network have a code only. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
