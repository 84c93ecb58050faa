/**
 * Something happened that processes may wait for. Signals carry ids, never data, and may be lost (a connection that
 * broke, a process that was busy): whoever waits looks again by itself every now and then.
 */
export type Signal =
  /** A run may be claimed: it was queued, or its session became free. */
  | { type: 'claimable' }
  /** The run has new events, or has ended. */
  | { type: 'events'; runId: string }
  /** The process that executes this run is asked to end it. */
  | { type: 'cancel'; runId: string }
  /** Somebody has learned something about a model provider: `ProviderStore.notes` has it. */
  | { type: 'providers' }
  /** A process died before its lease was over: `RunStore.recoverOrphans` finds its runs. */
  | { type: 'orphans' };

/** Tells processes what others did. */
export interface Signals {
  /** Calls `listener` for every signal from now on, also those of this process. Returns how to stop that. */
  subscribe(listener: (signal: Signal) => void): () => void;
}
