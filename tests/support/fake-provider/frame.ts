/**
 * A piece of a stream as it goes over the wire. Holds, faults and waits between tokens happen before a frame of kind
 * `token`, and before the one of kind `end`, which completes the answer.
 */
export type Frame = { kind: 'open' | 'token' | 'close' | 'end'; data: string };

/** What a provider that fails says; some servers give a status as the code. */
export type FailureWords = { code: string | number; message: string };

/** How an answer in one of the two APIs looks. */
export type Rendering = {
  /** The body of an answer that is not streamed. */
  whole: () => object;
  /** The frames of a streamed answer; the last one or several are of kind `end`. */
  frames: () => Generator<Frame>;
  /** What is sent where the provider fails in the middle: frames that end the stream. */
  failure: (event: 'failed' | 'error', error: FailureWords, framesSent: number) => string;
  /** The body of an answer that is not streamed and failed; undefined where the API answers HTTP 500. */
  wholeFailure: (error: FailureWords) => object | undefined;
};
