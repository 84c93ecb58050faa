/** A number that rises with every change, and a way to wait for the next one. */
export function createChangeSignal() {
  let version = 0;
  const waiting = new Set<() => void>();
  return {
    version: () => version,
    /** Wakes all waiters after a change. */
    changed(): void {
      version++;
      for (const wake of waiting) wake();
      waiting.clear();
    },
    /** Resolves as soon as the version is above `seen`, and after `waitMs` in any case. */
    async past(seen: number, waitMs: number): Promise<void> {
      if (version > seen) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, waitMs);
        waiting.add(wake);
      });
    },
  };
}

/** See createChangeSignal. */
export type ChangeSignal = ReturnType<typeof createChangeSignal>;
