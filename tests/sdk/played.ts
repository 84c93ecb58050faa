import type { ModelCall } from './model-server.ts';

/** A call that a person was asked about. */
export type AskedCall = { agent: string; tool: string; arguments: unknown };

/** How a run ended. */
export type Ending = { output: unknown } | { error: string };

/** What came of a play: by this the SDK and the service are compared. */
export type Play = {
  /** How each run ended. */
  endings: Ending[];
  /** What a person was asked, in order. */
  asked: AskedCall[];
  /** What was done, each with how often. */
  done: Record<string, number>;
  /** The requests that the model server received. */
  calls: unknown[];
  /** The text that was streamed to the user, run by run; empty if it was not streamed. */
  text: string[];
};

/** How often each thing was done. */
export function countsOf(notes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const note of [...notes].sort()) counts[note] = (counts[note] ?? 0) + 1;
  return counts;
}

/** Ids that the model server has given. */
const givenIds = /\b([a-z]+)_\d+\b/g;

/** The calls with ids that say when each appeared first, so that equal calls are equal after a crash, too. */
export function comparableCalls(calls: readonly ModelCall[], parallel: boolean): unknown[] {
  const ids = new Map<string, string>();
  const named = (id: string, prefix: string) => {
    if (parallel) return prefix;
    if (!ids.has(id)) ids.set(id, `${prefix}#${ids.size}`);
    return ids.get(id) as string;
  };
  const texts = calls.map((each) => JSON.stringify(each).replace(givenIds, named));
  return (parallel ? texts.sort() : texts).map((text) => JSON.parse(text));
}
