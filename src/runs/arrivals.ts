/**
 * The requests that have arrived and may still create a run: from their headers until the run is stored, or until they
 * wait for a slot. A graceful stop waits for them before it refuses new runs, since each of them arrived in time.
 */
export function createArrivals() {
  let count = 0;
  let waiter: (() => void) | null = null;

  return {
    /** A request has arrived. Returns what to call once it is decided; a second call changes nothing. */
    begin(): () => void {
      let isDecided = false;
      count += 1;
      return () => {
        if (isDecided) return;
        isDecided = true;
        count -= 1;
        if (count === 0) waiter?.();
      };
    },

    /** Resolves when no request is undecided, at the latest when `signal` aborts. */
    decided(signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        if (count === 0 || signal.aborted) return resolve();
        waiter = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  };
}

/** See `createArrivals`. */
export type Arrivals = ReturnType<typeof createArrivals>;
