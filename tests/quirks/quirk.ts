/** A call of a tool as the SDK gets it. */
export type ExpectedCall = {
  name: string;
  arguments: string;
  /** Not checked by default, except that it is a text, is not empty, and differs from those of the other calls. */
  id?: string;
};

/** How an answer fails that is none: the class of the error, and the fields that are checked. */
export type ExpectedFault = {
  name: 'TruncatedAnswerError' | 'MalformedAnswerError' | 'AnswerEndError' | 'APIError';
  /** Of an `AnswerEndError`. */
  end?: 'cut' | 'refused' | 'failed';
  /** Of an `AnswerEndError`. */
  reason?: string;
  /** Of a failure that the provider reports. */
  code?: string | number;
  /** Of a failure that the provider reports. */
  type?: string;
  /** A part of the message of a failure that the provider reports. */
  message?: string;
};

/** What the SDK's model makes of an answer. */
export type ExpectedAnswer = {
  /** The text of all messages. Defaults to none. */
  text?: string;
  /** Not checked by default. */
  reasoning?: string;
  /** Defaults to none. */
  calls?: ExpectedCall[];
  /** A refusal. Defaults to none. */
  refusal?: string;
  /** The tokens of the input, of the output, and their sum. Not checked by default. */
  usage?: [input: number, output: number, total: number];
  /** The tokens of the input that came from a cache. Not checked by default. */
  cached?: number;
};

/**
 * Something odd that servers send: a row of the table in `docs/providers.md`, and a case of the tests. Rows of one kind have
 * the same `server`, `sends` and `result`, and are one row of the page.
 */
export type Quirk = {
  /** The name of its tests. */
  name: string;
  /** Who sends it. */
  server: string;
  /** What is odd, in words. */
  sends: string;
  /** What the service makes of it, in words. */
  result: string;
  /** The body of the answer to a streamed request, as it stands. Left out where it occurs in whole answers only. */
  streamed?: string;
  /** The body of the answer in one piece, as JSON or as it stands. Left out where it occurs in streams only. */
  whole?: object | string;
  /** The content type of the answers. Defaults to `text/event-stream` for streams, `application/json` for others. */
  contentType?: string;
  /** What follows, if the same for both. */
  expected: ExpectedAnswer | { fault: ExpectedFault };
  /** The text that the stream shows before its last event, where that is not the text of the answer. */
  shown?: string;
  /** What follows for the answer in one piece, where that differs. Defaults to `expected`. */
  expectedWhole?: ExpectedAnswer | { fault: ExpectedFault };
};
