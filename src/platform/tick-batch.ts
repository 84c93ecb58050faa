/**
 * Runs callbacks together at the end of the current tick of the event loop. Work that arrives from the network in one
 * tick takes the same path through the code afterwards. Item by item, each would start that path anew with the processor
 * caches full of its end.
 */
export function createTickBatch() {
  let queued: (() => void)[] = [];

  function runQueued(): void {
    const callbacks = queued;
    queued = [];
    for (const callback of callbacks) callback();
  }

  /** Calls `callback` at the end of this tick; it must not throw. */
  return (callback: () => void): void => {
    if (queued.length === 0) setImmediate(runQueued);
    queued.push(callback);
  };
}
