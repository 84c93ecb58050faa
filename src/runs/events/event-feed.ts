import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Run, Store } from '../../storage/port/index.ts';
import type { ActiveRuns } from '../active-runs.ts';
import { isFinal } from '../run-state.ts';
import { endsRun, endsStream, type RunEvent } from './events.ts';
import { createdEvent, toRunEvent } from './stored-events.ts';

/** Events read from the store at once. */
const pageSize = 200;
/** How often a run that another process executes is looked at, for want of a signal, in ms. */
const lookAgainMs = 1_000;

/** What a feed stands on. */
export type EventFeedDeps = { store: Store; active: ActiveRuns; clock: Clock };

const isOver = ({ status }: Run) => isFinal(status) || status === 'requires_action';

/** Follows runs wherever they are executed: by their process while that is this one, else by the store. */
export function createEventFeed({ store, active, clock }: EventFeedDeps) {
  /**
   * Listens for something that may have happened to the run, from now on: whoever listens before they read misses
   * nothing that comes while they read.
   */
  function listen(runId: string, signal: AbortSignal) {
    const woken = new AbortController();
    const stop = store.signals.subscribe((told) => {
      if (told.type === 'events' && told.runId === runId) woken.abort();
    });
    return {
      /** Resolves when something happened; at the latest after a while. */
      somethingNew: () => clock.sleep(lookAgainMs, AbortSignal.any([woken.signal, signal])).catch(() => {}),
      [Symbol.dispose]: stop,
    };
  }

  async function* stored(run: Run, afterSeq: number): AsyncGenerator<RunEvent> {
    if (afterSeq < 1) yield createdEvent(run);
    for (let after = Math.max(1, afterSeq); ; ) {
      const page = await store.journal.events(run.tenantId, run.id, after, pageSize);
      // Whoever read the run before its end shows it as it ended all the same.
      const late = !isFinal(run.status) && page.some(({ type }) => endsRun(type));
      const shown = late ? await store.runs.get(run.tenantId, run.id) : run;
      for (const event of page) yield toRunEvent(shown ?? run, event);
      if (page.length < pageSize) return;
      after = page.at(-1)?.seq ?? after;
    }
  }

  return {
    /** The stored events after `afterSeq`. */
    stored: async (run: Run, afterSeq: number): Promise<RunEvent[]> => Array.fromAsync(stored(run, afterSeq)),

    /**
     * The events after `afterSeq`, those there are and those to come, each once and in order, until the run has ended
     * or stands at `requires_action`, or until `signal` aborts.
     */
    async *read(run: Run, afterSeq: number, signal: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
      let seen = afterSeq;
      while (!signal.aborted) {
        const live = active.get(run.id)?.log;
        if (live && seen + 1 >= live.firstSeq()) {
          for await (const event of live.read(seen, signal)) {
            seen = event.seq;
            yield event;
            if (endsStream(event.type)) return;
          }
          if (signal.aborted || active.get(run.id)?.log === live) return;
          continue;
        }
        using heard = listen(run.id, signal);
        // The run is read before its events: what is over then has all its events stored.
        const now = await store.runs.get(run.tenantId, run.id);
        if (now === null) return; // it ended, and was removed since
        for await (const event of stored(now, seen)) {
          seen = event.seq;
          yield event;
          if (endsRun(event.type)) return;
        }
        if (isOver(now)) return;
        if (active.get(run.id)?.log.firstSeq() !== seen + 1) await heard.somethingNew();
      }
    },

    /**
     * Resolves with the run once it has ended or stands at `requires_action`. Rejects when `signal` aborts, and with
     * `not_found` if the run was removed before its end was seen.
     */
    async waitForEnd(run: Run, signal: AbortSignal): Promise<Run> {
      for (;;) {
        signal.throwIfAborted();
        using heard = listen(run.id, signal);
        const now = await store.runs.get(run.tenantId, run.id);
        if (now === null) throw new ServiceError('not_found', { what: `Run ${run.id}` }, { runId: run.id });
        if (isOver(now)) return now;
        await heard.somethingNew();
      }
    },
  };
}

/** Follows runs wherever they are executed. */
export type EventFeed = ReturnType<typeof createEventFeed>;
