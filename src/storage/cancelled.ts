import { errorCatalogue } from '../platform/errors.ts';
import type { RunError } from './port/index.ts';

const { detail, retryable } = errorCatalogue.cancelled;

/**
 * The error of a run that the store itself cancels: for a run that takes its place, or because its end was asked for
 * while it was running and its process stopped executing it before it came to that.
 */
export const cancelledError: RunError = { code: 'cancelled', detail: detail({}), retryable };
