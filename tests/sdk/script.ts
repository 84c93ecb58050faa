/** What the models of a case answer. */

type Fields = Record<string, unknown>;

/** One answer of a model. */
export type Turn = {
  text?: string;
  /** Calls of tools. Arguments that are a string are sent as they stand, JSON or not. */
  calls?: readonly { name: string; args?: Fields | string; namespace?: string }[];
  /** A summary of the reasoning; the Responses API only. */
  reasoning?: string;
  /** Further items of the answer, such as calls of hosted tools, with `#` for a number; the Responses API only. */
  items?: readonly Fields[];
  /** An error in place of an answer. */
  status?: number;
};

/**
 * The answers of the models in a run, in order. Where a run has several conversations (agents used as tools), each is
 * named by words of its instructions or of its newest message.
 */
export type Script = readonly Turn[] | Readonly<Record<string, readonly Turn[]>>;

/** A model that says this. */
export const say = (text: string): Turn => ({ text });
/** A model that calls one tool. */
export const call = (name: string, args: Fields | string = {}): Turn => ({ calls: [{ name, args }] });
