import { errorCatalogue } from '../platform/errors.ts';
import type { RunError } from './port/index.ts';

const { detail, retryable } = errorCatalogue.cancelled;

/**
 * The error of a run that the store itself cancels: for a run that interrupts it, or because its cancellation was
 * requested while it was running and its process stopped executing it without ending it.
 */
export const cancelledError: RunError = { code: 'cancelled', detail: detail({}), retryable };
