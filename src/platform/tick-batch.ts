/**
 * Has things that wait for nothing but the end of this turn of the event loop go on together then. What arrives from the
 * network in one turn goes the same way afterwards; one after the other each would begin it anew, and find the
 * processor's caches full of the end of that way.
 */
export function createTickBatch() {
  let waiting: (() => void)[] = [];

  function goOn(): void {
    const ready = waiting;
    waiting = [];
    for (const each of ready) each();
  }

  /** Calls `then` at the end of this turn; it must not throw. */
  return (then: () => void): void => {
    if (waiting.length === 0) setImmediate(goOn);
    waiting.push(then);
  };
}
