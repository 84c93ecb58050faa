/**
 * A notification that something happened for which processes may wait. Signals carry ids, never data, and may be lost (a
 * connection that broke, a process that was busy): a process that waits also polls now and then.
 */
export type Signal =
  /** A run may be claimed: it was queued, or its session became free. */
  | { type: 'claimable' }
  /** The run has new events, or has ended. */
  | { type: 'events'; runId: string }
  /** The cancellation of this run was requested; the process that executes it has to end it. */
  | { type: 'cancel'; runId: string }
  /** The shared state of a model provider has changed: `ProviderStore.notes` has it. */
  | { type: 'providers' }
  /** A process died before its lease was over: `RunStore.recoverOrphans` finds its runs. */
  | { type: 'orphans' };

/** Notifications of what other processes did (publish and subscribe). */
export interface Signals {
  /** Calls `listener` for every signal from now on, also those of this process. Returns a function that ends that. */
  subscribe(listener: (signal: Signal) => void): () => void;
}
