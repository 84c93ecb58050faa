type Waiting = { enter: () => void };

/**
 * Lets at most `limit` calls through at a time; those for whom somebody waits before the others, each kind in order of
 * arrival. Where there is a place nothing is waited for.
 */
export function createPrioritySemaphore(limit = Number.POSITIVE_INFINITY) {
  const lines: [interactive: Set<Waiting>, background: Set<Waiting>] = [new Set(), new Set()];
  let used = 0;
  let max = limit;

  function letIn(): void {
    for (const line of lines) {
      for (const next of line) {
        if (used >= max) return;
        line.delete(next);
        used += 1;
        next.enter();
      }
    }
  }

  return {
    used: (): number => used,
    waiting: (): number => lines[0].size + lines[1].size,
    limit: (): number => max,

    /** Takes a place if one is free and nobody waits for it. */
    tryEnter(): boolean {
      if (used >= max || lines[0].size > 0) return false;
      used += 1;
      return true;
    },

    /** Takes a place as soon as there is one. Rejects with the reason of `signal` if that aborts before. */
    enter(interactive: boolean, signal: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const line = lines[interactive ? 0 : 1];
        const leave = () => {
          line.delete(waiting);
          reject(signal.reason);
        };
        const waiting = {
          enter: () => {
            signal.removeEventListener('abort', leave);
            resolve();
          },
        };
        line.add(waiting);
        signal.addEventListener('abort', leave, { once: true });
      });
    },

    /** Gives a place back. */
    leave(): void {
      used -= 1;
      letIn();
    },

    /** Changes how many may be in at a time; those who are in stay. */
    setLimit(next: number): void {
      max = next;
      letIn();
    },
  };
}

/** See `createPrioritySemaphore`. */
export type PrioritySemaphore = ReturnType<typeof createPrioritySemaphore>;
