import type { Logger } from '../../../platform/logger.ts';

/** Writes that wait at most. More than these wait only while the store cannot be reached; then the oldest are dropped. */
const pendingMax = 1_000;

type Write = () => Promise<void>;

/**
 * A queue of writes to the store: they are made one after the other, in order, without a caller that waits for them. A
 * write that fails is logged and not repeated.
 */
export function createBreakerWriteQueue(log: Pick<Logger, 'warn'>) {
  let pending: Write[] = [];
  let writing: Promise<void> | null = null;

  async function writeAll(): Promise<void> {
    for (let next = pending.shift(); next; next = pending.shift()) {
      await next().catch((error: unknown) =>
        log.warn({ err: error }, 'other processes could not be told of a model provider'),
      );
    }
    writing = null;
  }

  return {
    /** Adds a write. */
    push(write: Write): void {
      pending.push(write);
      if (pending.length > pendingMax) pending = pending.slice(-pendingMax);
      writing ??= writeAll();
    },

    /** Resolves when the queue is empty; null if it is. */
    drained: (): Promise<void> | null => writing,
  };
}
