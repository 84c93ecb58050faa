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

/** A failure during the start as one sentence that ends with its reason. A `StartError` is returned as it is. */
export function toStartError(what: string, error: unknown): StartError {
  if (error instanceof StartError) return error;
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new StartError(`${what}: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: error });
}
