import type { Clock } from '../../../platform/clock.ts';
import type { Service } from '../../../platform/lifecycle.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { KnownProviderNote, Store } from '../../../storage/port/index.ts';
import type { BreakerNews, BreakerNote, KnownBreakerNote, SharedBreakers } from './shared-breakers.ts';

/** How often the store is looked at, for want of a signal, in ms. */
const lookAgainMs = 2_000;
/** Things that wait to be told. Whoever has more to tell has a store that cannot be reached; the oldest are lost. */
const untoldMax = 1_000;

/** What the board stands on. */
export type StoredBreakersDeps = {
  store: Pick<Store, 'providers' | 'signals'>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

const toKnown = ({ id, kind, forMs, trips, probeForMs }: KnownProviderNote): KnownBreakerNote =>
  kind === 'pause' ? { id, type: 'pause', forMs } : { id, type: 'open', forMs, trips, probeForMs };

type Telling = { id: string; send: () => Promise<void> };

/**
 * The board of all processes on a store. What is told is written by itself, in order; what others tell is read when a
 * signal says so, and every now and then. While the store cannot be reached each process goes by what it knows itself.
 */
export function createStoredBreakers({ store, clock, log }: StoredBreakersDeps): SharedBreakers & Service {
  const { providers, signals } = store;
  const listeners: ((news: BreakerNews) => void)[] = [];
  const stopping = new AbortController();
  let untold: Telling[] = [];
  let telling: Promise<void> | null = null;
  /** Breakers that were on the board when it was read last, or that were put there since. */
  let open = new Set<string>();
  let wake = () => {};
  let looking: Promise<void> = Promise.resolve();
  let unsubscribe = () => {};

  async function tellAll(): Promise<void> {
    for (let next = untold.shift(); next; next = untold.shift()) {
      await next
        .send()
        .catch((error: unknown) => log.warn({ err: error }, 'other processes could not be told of a model provider'));
    }
    telling = null;
  }

  function later(id: string, send: () => Promise<void>): void {
    untold.push({ id, send });
    if (untold.length > untoldMax) untold = untold.slice(-untoldMax);
    telling ??= tellAll();
  }

  async function look(): Promise<void> {
    await telling; // what is told from here is on the board before it is read
    const notes = (await providers.notes()).map(toKnown);
    const found = new Set(notes.flatMap(({ id, type }) => (type === 'open' ? [id] : [])));
    // What is being told at this moment may not be there yet, or still be.
    const unsettled = new Set(untold.map(({ id }) => id));
    const closed = [...open].filter((id) => !found.has(id) && !unsettled.has(id));
    if (telling) return; // the next look sees it whole, and what has closed
    open = found;
    for (const listener of listeners) listener({ notes, closed });
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new AbortController();
      wake = () => woken.abort();
      await look().catch((error: unknown) =>
        log.warn({ err: error }, 'the state of model providers could not be read'),
      );
      await clock.sleep(lookAgainMs, AbortSignal.any([woken.signal, stopping.signal])).catch(() => {});
    }
  }

  return {
    name: 'provider board',

    tell(note: BreakerNote): void {
      const trips = note.type === 'open' ? note.trips : 0;
      const kind = note.type;
      later(note.id, async () => {
        await providers.note({ id: note.id, kind, forMs: note.forMs, trips });
        if (kind === 'open') open.add(note.id);
      });
    },

    clear(id: string): void {
      later(id, async () => {
        await providers.clear(id);
        open.delete(id);
      });
    },

    async claimProbe(id, forMs) {
      try {
        const claimed = await providers.claimProbe(id, forMs);
        if (claimed === 'taken') wake(); // by whom, and for how long, is on the board
        return claimed;
      } catch (error) {
        log.warn({ err: error }, 'a probe of a model provider is made without asking the others');
        return 'granted';
      }
    },

    onNews: (listener) => void listeners.push(listener),

    async start() {
      unsubscribe = signals.subscribe(({ type }) => {
        if (type === 'providers') wake();
      });
      looking = loop();
    },

    async stop() {
      stopping.abort('it stops');
      unsubscribe();
      await Promise.all([looking, telling]);
    },
  };
}
