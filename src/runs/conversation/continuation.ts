/** With which agent the next run of a session begins: the entry agent, or the last agent of the run before. */
export const continuations = ['entry', 'last_agent'] as const;
/** One of `continuations`. */
export type Continuation = (typeof continuations)[number];

/** How sessions go on: the option `sessions` of `serve()`. */
export type SessionsOption = {
  /**
   * With which agent a run begins whose request names a session and no agent: the entry agent, or the agent that the last
   * run of the session ended with. Defaults to the entry agent.
   */
  continueWith?: Continuation;
};
