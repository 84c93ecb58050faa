import type { Clock } from '../../../platform/clock.ts';
import type { Service } from '../../../platform/lifecycle.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { KnownProviderNote, Store } from '../../../storage/port/index.ts';
import { createBreakerWriteQueue } from './breaker-write-queue.ts';
import type { BreakerNote, BreakerUpdate, KnownBreakerNote, SharedBreakers } from './shared-breakers.ts';

/** How often the notes are read where no signal arrives, in ms. */
const pollMs = 2_000;

/** Dependencies of the stored breakers. */
export type StoredBreakersDeps = {
  store: Pick<Store, 'providers' | 'signals'>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

const toKnown = ({ id, kind, forMs, trips, probeForMs }: KnownProviderNote): KnownBreakerNote =>
  kind === 'pause' ? { id, type: 'pause', forMs } : { id, type: 'open', forMs, trips, probeForMs };

/** Reads and writes the notes of breakers, and notices which breakers have closed since they were read last. */
function createBreakerNotes({ store: { providers }, log }: StoredBreakersDeps) {
  const writes = createBreakerWriteQueue(log);
  /** Breakers that were open when the notes were read last, or that were published since. */
  let open = new Set<string>();

  return {
    publish(note: BreakerNote): void {
      const { id, type: kind, forMs } = note;
      const trips = note.type === 'open' ? note.trips : 0;
      writes.push(async () => {
        await providers.note({ id, kind, forMs, trips });
        if (kind === 'open') open.add(id);
      });
    },

    clear(id: string): void {
      writes.push(async () => {
        await providers.clear(id);
        open.delete(id);
      });
    },

    /** The notes as they are; null if a write began meanwhile, which they may hold or not. */
    async read(): Promise<BreakerUpdate | null> {
      await writes.drained(); // what was published before is part of what is read
      const notes = (await providers.notes()).map(toKnown);
      if (writes.drained() !== null) return null; // the next poll reads it, and the breakers that have closed
      const found = new Set(notes.flatMap(({ id, type }) => (type === 'open' ? [id] : [])));
      const closed = [...open].filter((id) => !found.has(id));
      open = found;
      return { notes, closed };
    },

    drained: writes.drained,
  };
}

/**
 * The breakers that all processes share, kept in the store. Notes are written in the background, in order. The notes of
 * other processes are read at each signal, and every 2 s. While the store cannot be reached, each process uses what it
 * knows itself.
 */
export function createStoredBreakers(deps: StoredBreakersDeps): SharedBreakers & Service {
  const { store, clock, log } = deps;
  const notes = createBreakerNotes(deps);
  const listeners: ((update: BreakerUpdate) => void)[] = [];
  const stopping = new AbortController();
  let wake = () => {};
  let polling: Promise<void> = Promise.resolve();
  let unsubscribe = () => {};

  async function poll(): Promise<void> {
    const update = await notes.read();
    if (update) for (const listener of listeners) listener(update);
  }

  async function pollUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new AbortController();
      wake = () => woken.abort();
      await poll().catch((error: unknown) =>
        log.warn({ err: error }, 'the state of model providers could not be read'),
      );
      await clock.sleep(pollMs, AbortSignal.any([woken.signal, stopping.signal])).catch(() => {});
    }
  }

  return {
    name: 'provider board',
    publish: notes.publish,
    clear: notes.clear,

    async claimProbe(id, forMs) {
      try {
        const claimed = await store.providers.claimProbe(id, forMs);
        if (claimed === 'taken') wake(); // the notes say for how long
        return claimed;
      } catch (error) {
        log.warn({ err: error }, 'a probe of a model provider is made without asking the others');
        return 'granted';
      }
    },

    subscribe: (listener) => void listeners.push(listener),

    async start() {
      unsubscribe = store.signals.subscribe(({ type }) => {
        if (type === 'providers') wake();
      });
      polling = pollUntilStopped();
    },

    async stop() {
      stopping.abort('it stops');
      unsubscribe();
      await Promise.all([polling, notes.drained()]);
    },
  };
}
