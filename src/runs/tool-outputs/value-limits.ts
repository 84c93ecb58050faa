/** What a value takes at least, in bytes of JSON: a digit and a comma. */
export const valueBytesMin = 2;
/** What a string or a key takes besides its characters: quotes, and a comma or a colon. */
export const stringBytesMin = 3;

/** A value that is larger than it may be, with the size and the limit in words. */
export class ValueTooLargeError extends Error {
  readonly size: string;
  readonly limit: string;

  /** The error of a value of which so much has been seen. */
  static atLeast(bytes: number, bytesMax: number): ValueTooLargeError {
    return new ValueTooLargeError(`at least ${bytes} bytes`, `${bytesMax} bytes`);
  }

  constructor(size: string, limit: string) {
    super(`The value has ${size}; ${limit} are the most.`);
    this.name = 'ValueTooLargeError';
    this.size = size;
    this.limit = limit;
  }
}

/** A value that is nested more deeply than `depthMax`. */
export class ValueTooDeepError extends Error {}
