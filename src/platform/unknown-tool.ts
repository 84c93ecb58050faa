import { boundedName } from './bounded-name.ts';

/**
 * Says for clients that a model called what its agent does not have.
 *
 * @param called in words, such as `the tool "look"`
 * @param agent the name of the agent; null if it is unknown
 */
export function describeUnknownTool(called: string, agent: string | null): string {
  const who = agent === null ? 'the agent' : `the agent "${boundedName(agent)}"`;
  return `The model called ${called}, which ${who} does not have.`;
}
