import type { Clock } from '../platform/clock.ts';

/** How often a run in line looks whether another process has released its session, in ms. */
const lookAgainMs = 250;

/**
 * Tells the runs in line for a session when it may be their turn: at once when a run of this process released it,
 * and every now and then for those of other processes. Whose turn it is, the store decides.
 */
export function createTurns(clock: Clock) {
  const waiting = new Map<string, Set<() => void>>();
  // The tenant's id has no space, so no two pairs share a key.
  const keyOf = (tenantId: string, sessionId: string) => `${tenantId} ${sessionId}`;

  return {
    /** Resolves when the session may be free. Rejects with the signal's reason when it aborts first. */
    next(tenantId: string, sessionId: string, signal: AbortSignal): Promise<void> {
      const key = keyOf(tenantId, sessionId);
      const woken = new AbortController();
      const wake = () => woken.abort();
      const line = waiting.get(key) ?? new Set();
      waiting.set(key, line.add(wake));
      const next = clock
        .sleep(lookAgainMs, AbortSignal.any([signal, woken.signal]))
        .catch(() => signal.throwIfAborted())
        .finally(() => {
          line.delete(wake);
          if (line.size === 0 && waiting.get(key) === line) waiting.delete(key);
        });
      next.catch(() => {}); // one that did not wait for its turn, having got it, need not hear of the end
      return next;
    },

    /** The session was released by this process. */
    released(tenantId: string, sessionId: string): void {
      for (const wake of waiting.get(keyOf(tenantId, sessionId)) ?? []) wake();
    },
  };
}

/** Tells runs in line when it may be their turn. */
export type Turns = ReturnType<typeof createTurns>;
