import type { Logger } from '../../platform/logger.ts';
import type { Signal, Signals } from '../port/index.ts';

/**
 * Signals within this process: on the embedded store only one process executes runs, and clients wait for a run in that
 * process.
 */
export function createSignalHub(log?: Pick<Logger, 'error'>) {
  const listeners = new Set<(signal: Signal) => void>();
  return {
    subscribe(listener: (signal: Signal) => void): () => void {
      const own = (signal: Signal) => listener(signal); // so that a function that subscribes twice is called twice
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },

    /** Calls every listener; one that throws does not affect the others. */
    emit(signal: Signal): void {
      for (const listener of [...listeners]) {
        try {
          listener(signal);
        } catch (error) {
          log?.error({ signal: signal.type, err: error }, 'a listener for signals of the store failed');
        }
      }
    },
  } satisfies Signals & { emit(signal: Signal): void };
}

/** What {@link createSignalHub} makes. */
export type SignalHub = ReturnType<typeof createSignalHub>;
