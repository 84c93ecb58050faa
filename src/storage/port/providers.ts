/** A note that one process shares with the others about a model provider's deployment or key; see the provider chain. */
export type ProviderNote = {
  id: string;
  /** A circuit breaker that is open, or a pause that the provider has asked for. */
  kind: 'open' | 'pause';
  /** How long it lasts from now, in ms; 0 or less: it has expired, and an open breaker waits for its probe. */
  forMs: number;
  /** How often the breaker has opened in a row; 0 for a pause. */
  trips: number;
};

/** A note as all processes read it. */
export type KnownProviderNote = ProviderNote & {
  /** How long a process may still probe an open breaker, in ms from now; 0 if no process does. */
  probeForMs: number;
};

/** A request of a process for a share of the permits of a key, and for how long it holds the share. */
export type ShareRequest = {
  keyId: string;
  processId: string;
  /** Permits in all. */
  limit: number;
  /** Permits that the process needs at the moment, those in use among them. */
  wanted: number;
  /** Permits in use. */
  used: number;
  leaseMs: number;
};

/** Permits that a process may use, and the live processes that share the key, itself among them. */
export type Share = { granted: number; processes: number };

/** The shared state of model providers, by the database's clock. */
export interface ProviderStore {
  /**
   * Stores a note; it never shortens one that is there. A breaker that is noted again has no probe any more. Other
   * processes are notified (`Signal` `providers`).
   */
  note(note: ProviderNote): Promise<void>;

  /** Removes the note of a breaker, since it has closed. Other processes are notified. */
  clear(id: string): Promise<void>;

  /** All notes that have not expired long ago. */
  notes(): Promise<KnownProviderNote[]>;

  /**
   * Takes the right to probe an open breaker whose time is over (half-open): one process at a time has it, for at most
   * `forMs`. `gone` if the breaker has closed.
   */
  claimProbe(id: string, forMs: number): Promise<'granted' | 'taken' | 'gone'>;

  /**
   * Gives a process its share of the permits of a key. The shares of all processes together never exceed the limit, if
   * each uses no more than it was granted while its lease lasts, and afterwards no more than the limit divided by the
   * number of processes that it was last given. Null where there is only one process, which has all permits.
   */
  readonly share: ((request: ShareRequest) => Promise<Share>) | null;

  /** Releases all shares of a process. */
  leaveShares(processId: string): Promise<void>;
}
