import pg from 'pg';
import { ServiceError } from '../../platform/errors.ts';
import { notStorable, toEncodingError } from '../not-storable.ts';

// SQLSTATEs, or the first two characters for a whole class
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).

/** The database or the network is the cause, not the statement: it may pass. */
const unavailableStates: ReadonlySet<string> = new Set([
  '08', // connection exception
  '28', // invalid authorization: a password that is being rotated, a role that is locked for a moment
  '40', // transaction rollback: deadlock, serialization
  '53', // insufficient resources: connections, disk, memory
  '55', // object not in prerequisite state: a lock not available, a server in recovery
  '57', // operator intervention: shutdown, starting up, cancelled by a timeout
  '58', // system error: input and output, outside of the database
  '25006', // read only, as a former primary is after a failover
  '3D000', // the database does not exist: it is restored, or renamed
]);

/** A value is the cause: no other try would be different. */
const refusedStates: ReadonlySet<string> = new Set([
  '22', // data exception: out of range, wrong syntax for the type, a character that the encoding does not have
  '23502', // not null
  '23514', // check
  '54', // program limit exceeded: too large for a field or an index
]);

/** The transaction was rolled back because of another one, for certain: the same statement may succeed at once. */
const rolledBackStates: ReadonlySet<string> = new Set(['40001' /* serialization */, '40P01' /* deadlock */]);

const has = (states: ReadonlySet<string>, state: string) => states.has(state) || states.has(state.slice(0, 2));

/** `store_unavailable`, with its cause. */
export function unavailable(cause: unknown): ServiceError<'store_unavailable'> {
  return new ServiceError('store_unavailable', {}, { cause });
}

/**
 * The error that an operation rejects with: `store_unavailable` if the database could not be reached or could not do its
 * work, `not_storable` if it does not take a value, and the error itself if the operation is its cause, such as a key that
 * is taken.
 *
 * @param statement the name of the statement
 */
export function toOperationError(error: unknown, statement?: string): unknown {
  if (error instanceof pg.DatabaseError) {
    error.detail = undefined; // it may quote the row, and so what a user wrote, where errors are logged
    const state = error.code ?? '';
    if (has(unavailableStates, state)) return unavailable(error);
    return has(refusedStates, state) ? refused(error, statement) : error;
  }
  if (error instanceof ServiceError) return error;
  // Other errors come from the socket or from the driver, which reports a lost connection with plain errors.
  const isOwn = error instanceof TypeError || error instanceof RangeError;
  return isOwn ? toEncodingError(error) : unavailable(error);
}

/** Without the database's message, which quotes the value. */
function refused({ code, table, column, constraint }: pg.DatabaseError, statement = 'a statement'): ServiceError {
  const place = [table, column ?? constraint].filter((name) => name !== undefined).join('.');
  return notStorable(`Postgres refused ${statement}${place && ` at ${place}`} (SQLSTATE ${code})`);
}

/** Whether the transaction was rolled back because of another one, so that the same statement may succeed at once. */
export const isRolledBack = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && rolledBackStates.has(error.code ?? '');

/** Whether there is no place for another connection: the server or the role has as many as it may. */
export const isFull = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === '53300';

/** The message of an error, for people; some errors of the network have a code only. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
