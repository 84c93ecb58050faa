import { StartError } from '../platform/start-error.ts';

/**
 * The error of a store that cannot be opened as it is configured: its folder, its lock, its schema. The message is for
 * the operator, says what to do, and needs no stack trace.
 */
export class StoreSetupError extends StartError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreSetupError';
  }
}
