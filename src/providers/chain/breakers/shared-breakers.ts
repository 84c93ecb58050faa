/** What one process publishes to the others: an open breaker, or a pause. */
export type BreakerNote =
  | { id: string; type: 'open'; forMs: number; trips: number }
  | { id: string; type: 'pause'; forMs: number };

/** A note that all processes can read: an open breaker with the time that its probe has left, or a pause. */
export type KnownBreakerNote =
  | { id: string; type: 'open'; forMs: number; trips: number; probeForMs: number }
  | { id: string; type: 'pause'; forMs: number };

/** The notes at a moment; `closed` are the breakers that were open at the update before and no longer are. */
export type BreakerUpdate = { notes: KnownBreakerNote[]; closed: string[] };

/**
 * The breakers and pauses that processes share. To publish never fails: where the store cannot be reached, the other
 * processes do not learn of it.
 */
export type SharedBreakers = {
  publish(note: BreakerNote): void;
  /** The breaker has closed. */
  clear(id: string): void;
  /** Claims the one probe that all processes make together; `gone` if the breaker has closed meanwhile. */
  claimProbe(id: string, forMs: number): Promise<'granted' | 'taken' | 'gone'>;
  subscribe(listener: (update: BreakerUpdate) => void): void;
};
