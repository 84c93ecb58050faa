type Waiter = { go: () => void };

/**
 * Named places where replies wait for a test. A release without a count opens the place for good; with a count it lets
 * that many through, those who wait first and then those who come later.
 *
 * @param onChange called whenever a reply starts or stops waiting
 */
export function createHolds(onChange: () => void) {
  const waiters = new Map<string, Set<Waiter>>();
  const permits = new Map<string, number>();

  const takePermit = (name: string): boolean => {
    const left = permits.get(name) ?? 0;
    if (left > 0) permits.set(name, left - 1);
    return left > 0;
  };

  return {
    /** Resolves when the place is released; rejects with the signal's reason when that aborts first. */
    wait(name: string, signal: AbortSignal): Promise<void> {
      if (takePermit(name)) return Promise.resolve();
      const here = waiters.get(name) ?? new Set();
      waiters.set(name, here);
      return new Promise((resolve, reject) => {
        const leave = () => {
          signal.removeEventListener('abort', onAbort);
          here.delete(waiter);
          onChange();
        };
        const onAbort = () => {
          leave();
          reject(signal.reason);
        };
        const waiter: Waiter = {
          go: () => {
            leave();
            resolve();
          },
        };
        here.add(waiter);
        signal.addEventListener('abort', onAbort, { once: true });
        onChange();
      });
    },
    /** Lets `count` replies through; all of them, now and later, by default. */
    release(name: string, count = Number.POSITIVE_INFINITY): void {
      permits.set(name, (permits.get(name) ?? 0) + count);
      for (const waiter of [...(waiters.get(name) ?? [])]) if (takePermit(name)) waiter.go();
    },
    /** How many replies wait, by name. */
    waiting(): Record<string, number> {
      return Object.fromEntries([...waiters].flatMap(([name, here]) => (here.size > 0 ? [[name, here.size]] : [])));
    },
  };
}

/** See createHolds. */
export type Holds = ReturnType<typeof createHolds>;
