/** Lazy: the headers of an answer are created only for an error. */
export type HeadersOf = () => Headers;

/**
 * Mends the events of one streamed answer on their way to the SDK, and decides at its end whether it is whole. An event
 * without anything odd is passed on as the object that it is.
 */
export type StreamNormaliser = {
  /**
   * The event as the SDK expects it, changed in place where that is needed. Null for an event that says nothing.
   *
   * @throws {APIError} for a failure that the event reports, or an event that cannot be mended
   */
  event(event: unknown): object | null;
  /** Whether the event before was the last one; any data that follows is ignored. */
  isTerminal(): boolean;
  /**
   * Called once at the end of the stream. An event with what was held back, for the SDK; null if there is none.
   *
   * @throws {TruncatedAnswerError} {@link AnswerEndError} if the answer is not whole
   */
  end(): object | null;
};
