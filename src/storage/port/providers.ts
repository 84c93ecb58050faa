/** What one process tells the others about a model provider's deployment or key; see the provider chain. */
export type ProviderNote = {
  id: string;
  /** A circuit breaker that is open, or a pause that the provider has asked for. */
  kind: 'open' | 'pause';
  /** How long it lasts from now, in ms; 0 and less: it is over, and an open breaker waits for its probe. */
  forMs: number;
  /** How often the breaker has opened in a row; 0 for a pause. */
  trips: number;
};

/** A note as it is known to all. */
export type KnownProviderNote = ProviderNote & {
  /** How long somebody has still got to probe an open breaker, in ms from now; 0 if nobody does. */
  probeForMs: number;
};

/** What a process asks for of the places of a key, and for how long it may keep what it gets. */
export type ShareRequest = {
  keyId: string;
  processId: string;
  /** Places in all. */
  limit: number;
  /** Places that the process needs at the moment, those in use among them. */
  wanted: number;
  /** Places in use. */
  used: number;
  leaseMs: number;
};

/** Places that a process may use, and the live processes that share the key, itself among them. */
export type Share = { granted: number; processes: number };

/** What processes know together about model providers, by the database's clock. */
export interface ProviderStore {
  /**
   * Notes something, which never shortens what is noted already. A breaker that is noted again has no probe any more.
   * Other processes are told (`Signal` `providers`).
   */
  note(note: ProviderNote): Promise<void>;

  /** Forgets a breaker, since it has closed. Other processes are told. */
  clear(id: string): Promise<void>;

  /** Everything that is noted and not long over. */
  notes(): Promise<KnownProviderNote[]>;

  /**
   * Takes the right to probe an open breaker whose time is over: one process at a time has it, for at most `forMs`.
   * `gone` if the breaker has closed.
   */
  claimProbe(id: string, forMs: number): Promise<'granted' | 'taken' | 'gone'>;

  /**
   * Gives a process its share of the places of a key. What all processes have together is never more than the limit, if
   * each uses no more than it was granted while its lease lasts, and afterwards no more than the limit divided by the
   * processes that it last heard of. Null where there is only one process, which has all places.
   */
  readonly share: ((request: ShareRequest) => Promise<Share>) | null;

  /** Gives back all shares of a process. */
  leaveShares(processId: string): Promise<void>;
}
