import { createFairQueue, type FairQueue } from './fair-queue.ts';

/** The flow of runs that are queued in the store: together they are served like one tenant. */
const storeFlow = Symbol('runs queued in the store');
type Flow = string | typeof storeFlow;

type Waiter = { grant(): void; reject(reason: unknown): void };

/** Options of the slot queue. */
export type SlotQueueOptions = {
  /** Callers that may wait at once; 0 for none. */
  callersMax: number;
  /** How many callers of a tenant are served in a row. */
  weightOf(tenantId: string): number;
  /** Called with the number of waiting callers whenever it changes. */
  onChange(callers: number): void;
};

/**
 * Waits in the queue until a slot is granted; rejects with the reason for which the waiter leaves before. `onChange` is
 * called when the waiter is added and when it is removed.
 */
function enqueue(queue: FairQueue<Flow, Waiter>, flow: Flow, leave: AbortSignal, onChange: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (leave.aborted) return reject(leave.reason);
    const onLeave = () => {
      queue.remove(flow, waiter);
      removed();
      reject(leave.reason);
    };
    const removed = () => {
      leave.removeEventListener('abort', onLeave);
      onChange();
    };
    const waiter: Waiter = {
      grant() {
        removed();
        resolve();
      },
      reject(reason) {
        removed();
        reject(reason);
      },
    };
    queue.add(flow, waiter);
    leave.addEventListener('abort', onLeave, { once: true });
    onChange();
  });
}

/**
 * The queue for slots: callers, by tenant, and runs that are queued in the store. It is in memory and bounded, and the
 * store holds nothing about the callers in it.
 */
export function createSlotQueue({ callersMax, weightOf, onChange }: SlotQueueOptions) {
  const queue = createFairQueue<Flow, Waiter>((flow) => (typeof flow === 'string' ? weightOf(flow) : 1));
  const callers = () => queue.size() - queue.countOf(storeFlow);
  const reportChange = () => onChange(callers());

  return {
    /** How many callers wait. */
    callers,

    /** The position, from 1, that one more caller of a tenant would have. */
    positionOf: (tenantId: string): number => queue.positionOf(tenantId),

    /** Waits for a slot for a caller; rejects when `leave` aborts, and with the reason for which it is evicted. */
    waitForCaller: (tenantId: string, leave: AbortSignal): Promise<void> =>
      enqueue(queue, tenantId, leave, reportChange),

    /** Waits for a slot for a run that is queued in the store; rejects when `leave` aborts. */
    waitForStore: (leave: AbortSignal): Promise<void> => enqueue(queue, storeFlow, leave, reportChange),

    /**
     * Whether one more caller of a tenant may wait. If the queue is full, the last caller of a tenant with more of them
     * is evicted, with `reason`.
     */
    admits(tenantId: string, reason: unknown): boolean {
      if (callers() < callersMax) return true;
      const evicted = callersMax > 0 ? queue.evictFor(tenantId) : undefined;
      evicted?.reject(reason);
      return evicted !== undefined;
    },

    /** Grants a slot to the next waiter; false if there is none. */
    grantNext(): boolean {
      const next = queue.next();
      next?.grant();
      return next !== undefined;
    },

    /** Rejects all waiters, each with an error of its own. */
    rejectAll(error: () => Error): void {
      for (const waiter of queue.clear()) waiter.reject(error());
    },
  };
}

/** The queue for slots. */
export type SlotQueue = ReturnType<typeof createSlotQueue>;
