/** The longest name that a request may have, in characters. */
const nameCharsMax = 200;

/** Whether a name can be sent in a request and be stored with a run. The SDK allows any text as the name of an agent. */
const isNameable = (name: string): boolean =>
  name.length <= nameCharsMax && !name.includes('\0') && name.isWellFormed();

/**
 * The agents that callers can name: those in `serve()`, then the ones that only handoffs and tools reach, by their own
 * names. A name in `serve()` is that agent's, whatever others are called. Of two other agents that share a name neither
 * can be named.
 *
 * @param registered the agents in `serve()`, by name
 * @param reached the agents that only handoffs and tools reach
 * @param taken all names in `serve()`, those of workflows too. Defaults to those of the agents
 */
export function createAgentNames<Agent extends { name: string }>(
  registered: ReadonlyMap<string, Agent>,
  reached: readonly Agent[],
  taken: readonly string[] = [...registered.keys()],
) {
  const owners = Map.groupBy(reached, ({ name }) => name);
  const unique = [...owners]
    .filter(([name, agents]) => agents.length === 1 && isNameable(name) && !taken.includes(name))
    .map(([name, [agent]]) => [name, agent as Agent] as const);
  const byName = new Map([...registered, ...unique]);
  const shared = [...owners]
    .filter(([name, agents]) => agents.length > 1 || taken.includes(name))
    .map(([name]) => name);

  return {
    /** The names that callers can give. */
    names: (): string[] => [...taken, ...unique.map(([name]) => name)],
    /** The agent of a name; undefined if there is none, or more than one. */
    get: (name: string): Agent | undefined => byName.get(name),
    /** The names that two agents have. Those in `serve()` are still that agent's. */
    shared: (): string[] => shared,
    /** Whether a name is not accepted since two agents have it. */
    isAmbiguous: (name: string): boolean => shared.includes(name) && !taken.includes(name),
  };
}

/** What to know about names that two agents have, in sentences for the author of the agents; empty if there are none. */
export function describeSharedNames({
  shared,
  isAmbiguous,
}: Pick<ReturnType<typeof createAgentNames>, 'shared' | 'isAmbiguous'>): string[] {
  return shared().map((name) =>
    !isAmbiguous(name)
      ? `Two agents have the name "${name}": requests that name it mean the one in serve(). Give the other one, which ` +
        'handoffs or tools reach, a name of its own.'
      : `Several agents have the name "${name}", so that no request can name it. Give them different names, or list ` +
        'them in the agents of serve().',
  );
}
