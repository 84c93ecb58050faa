/**
 * A start that failed for a reason that its operator can mend, or the developer who called `serve()`. The message says
 * what was found and what to do about it; a stack would hide it.
 */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}
