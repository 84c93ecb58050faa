/** What one process tells the others. */
export type BreakerNote =
  | { id: string; type: 'open'; forMs: number; trips: number }
  | { id: string; type: 'pause'; forMs: number };

/** What is known of all: breakers that are open, with how long their probe has still got, and pauses. */
export type KnownBreakerNote =
  | { id: string; type: 'open'; forMs: number; trips: number; probeForMs: number }
  | { id: string; type: 'pause'; forMs: number };

/** What the board says at a moment; `closed` are breakers that were on it and are no more. */
export type BreakerNews = { notes: KnownBreakerNote[]; closed: string[] };

/** Where processes tell each other how providers stand. Telling never fails: what cannot be told is not known there. */
export type SharedBreakers = {
  tell(note: BreakerNote): void;
  /** The breaker has closed. */
  clear(id: string): void;
  /** Takes the one probe that all processes make together; `gone` if the breaker has closed meanwhile. */
  claimProbe(id: string, forMs: number): Promise<'granted' | 'taken' | 'gone'>;
  onNews(listener: (news: BreakerNews) => void): void;
};
