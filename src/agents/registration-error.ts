import { StartError } from '../platform/start-error.ts';

/** A mistake in the options of `serve()`; the service does not start. */
export class RegistrationError extends StartError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistrationError';
  }
}
