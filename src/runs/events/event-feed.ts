import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import { unlessAborted } from '../../platform/time-limit.ts';
import type { Run, Store } from '../../storage/port/index.ts';
import { unlessRunIsOverdue } from '../overdue.ts';
import { isFinal } from '../run-state.ts';
import { type EventInclude, endsRun, endsStream, isShown, type RunEvent } from './events.ts';
import type { LiveEventLog } from './live-event-log.ts';
import { createdEvent, toRunEvent } from './stored-events.ts';

/** Events read from the store at once. */
const pageSize = 200;
/** How often the store is polled for a run that another process executes if no signal comes, in ms. */
const pollMs = 1_000;

/** Dependencies of the event feed. */
export type EventFeedDeps = {
  store: Store;
  /** The runs that this process executes, each with its live log. */
  active: { get(runId: string): { readonly log: LiveEventLog } | undefined };
  clock: Clock;
};

type RunEvents = AsyncGenerator<RunEvent, void, undefined>;

const isOver = ({ status }: Run) => isFinal(status) || status === 'requires_action';

/**
 * Subscribes to signals of new events of a run, from now on: a reader that subscribes before it reads misses none that
 * is stored while it reads.
 */
function subscribe({ store, clock }: EventFeedDeps, runId: string, signal: AbortSignal) {
  const notified = new AbortController();
  const unsubscribe = store.signals.subscribe((received) => {
    if (received.type === 'events' && received.runId === runId) notified.abort();
  });
  return {
    /** Resolves at the first signal since the subscription, and after the polling interval at the latest. */
    changed: () => clock.sleep(pollMs, AbortSignal.any([notified.signal, signal])).catch(() => {}),
    [Symbol.dispose]: unsubscribe,
  };
}

/** How a reader waits for an answer of the store. */
type Await = <T>(answer: Promise<T>) => Promise<T>;

/** The stored events of a run after `afterSeq`. */
async function* storedEvents(
  store: Store,
  run: Run,
  afterSeq: number,
  answered: Await = (answer) => answer,
): AsyncGenerator<RunEvent> {
  if (afterSeq < 1) yield createdEvent(run);
  for (let after = Math.max(1, afterSeq); ; ) {
    const page = await answered(store.journal.events(run.tenantId, run.id, after, pageSize));
    // If `run` was read before its end, its last event shows it as it ended all the same.
    const endedSince = !isFinal(run.status) && page.some(({ type }) => endsRun(type));
    const shown = endedSince ? await answered(store.runs.get(run.tenantId, run.id)) : run;
    for (const event of page) yield toRunEvent(shown ?? run, event);
    if (page.length < pageSize) return;
    after = page.at(-1)?.seq ?? after;
  }
}

/**
 * Resolves with the run once it has ended or requires an action. Rejects when `signal` aborts, and with `not_found`
 * if the run was deleted before its end was seen.
 */
async function waitForEnd(deps: EventFeedDeps, run: Run, signal: AbortSignal): Promise<Run> {
  for (;;) {
    signal.throwIfAborted();
    using subscription = subscribe(deps, run.id, signal);
    const current = await unlessAborted(signal, deps.store.runs.get(run.tenantId, run.id));
    if (current === null) throw new ServiceError('not_found', { what: `Run ${run.id}` }, { runId: run.id });
    if (isOver(current)) return current;
    await subscription.changed();
  }
}

/** Follows runs, whichever process executes them: by the live log of this process, or else by the store. */
export function createEventFeed(deps: EventFeedDeps) {
  const { store, active, clock } = deps;
  return {
    /** The stored events after `afterSeq`, those that have to be asked for only if they are in `include`. */
    async stored(run: Run, afterSeq: number, include?: EventInclude): Promise<RunEvent[]> {
      const events = await Array.fromAsync(storedEvents(store, run, afterSeq));
      return events.filter(({ type }) => isShown(type, include));
    },

    /**
     * The events after `afterSeq`, past and future ones, each once and in order, until the run has ended or requires an
     * action, or until `signal` aborts. Events that have to be asked for are among them only if they are in `include`.
     * Throws `store_unavailable` where the store does not answer, soon after the run's time is over at the latest.
     */
    async *read(run: Run, afterSeq: number, signal: AbortSignal, include?: EventInclude): RunEvents {
      let seen = afterSeq;
      const answered: Await = (answer) => unlessAborted(signal, unlessRunIsOverdue(clock, run, answer));
      try {
        while (!signal.aborted) {
          const live = active.get(run.id)?.log;
          if (live && seen + 1 >= live.firstSeq()) {
            for await (const event of live.read(seen, signal)) {
              seen = event.seq;
              if (isShown(event.type, include)) yield event;
              if (endsStream(event.type)) return;
            }
            if (signal.aborted || active.get(run.id)?.log === live) return;
            continue;
          }
          using subscription = subscribe(deps, run.id, signal);
          // The run is read before its events: if it is over then, all its events are stored.
          const current = await answered(store.runs.get(run.tenantId, run.id));
          if (current === null) return; // the run has ended and was deleted since
          for await (const event of storedEvents(store, current, seen, answered)) {
            seen = event.seq;
            if (isShown(event.type, include)) yield event;
            if (endsRun(event.type)) return;
          }
          if (isOver(current)) return;
          if (active.get(run.id)?.log.firstSeq() !== seen + 1) await subscription.changed();
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },

    /** See `waitForEnd`. */
    waitForEnd: (run: Run, signal: AbortSignal) => waitForEnd(deps, run, signal),
  };
}

/** Follows runs, whichever process executes them. */
export type EventFeed = ReturnType<typeof createEventFeed>;
