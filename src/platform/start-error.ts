/**
 * A failure of the start that the operator of the service, or the developer of the application, can fix. The message
 * describes the problem and its fix, and is printed without a stack, which would hide it.
 */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}
