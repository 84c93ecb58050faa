type Waiter = { grant: () => void };

/** Adds a waiter to a queue. Resolves when a permit is granted to it; rejects with the reason of `signal` otherwise. */
function waitIn(queue: Set<Waiter>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      queue.delete(waiter);
      reject(signal.reason);
    };
    const waiter = {
      grant: () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    queue.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * A semaphore with two queues: at most `limit` calls hold a permit at a time, interactive calls come before background
 * calls, and each queue is first in, first out. A free permit is taken by
 * `tryAcquire`; `acquire` waits for the next one that is released.
 */
export function createPrioritySemaphore(limit = Number.POSITIVE_INFINITY) {
  const queues: [interactive: Set<Waiter>, background: Set<Waiter>] = [new Set(), new Set()];
  let used = 0;
  let max = limit;

  function grantPermits(): void {
    for (const queue of queues) {
      for (const waiter of queue) {
        if (used >= max) return;
        queue.delete(waiter);
        used += 1;
        waiter.grant();
      }
    }
  }

  return {
    used: (): number => used,
    waiting: (): number => queues[0].size + queues[1].size,
    limit: (): number => max,

    /** Takes a permit if one is free and no interactive call waits for it. */
    tryAcquire(): boolean {
      if (used >= max || queues[0].size > 0) return false;
      used += 1;
      return true;
    },

    /** Waits for a permit. Rejects with the reason of `signal` if that aborts before. */
    acquire: (interactive: boolean, signal: AbortSignal): Promise<void> => waitIn(queues[interactive ? 0 : 1], signal),

    /** Gives a permit back. */
    release(): void {
      used -= 1;
      grantPermits();
    },

    /** Changes the number of permits; calls that hold one keep it. */
    setLimit(next: number): void {
      max = next;
      grantPermits();
    },
  };
}

/** See `createPrioritySemaphore`. */
export type PrioritySemaphore = ReturnType<typeof createPrioritySemaphore>;
