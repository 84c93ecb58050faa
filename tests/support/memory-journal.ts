import type { Effect } from '../../src/agents/index.ts';
import type { RunBudget } from '../../src/budgets/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type AttemptContext, createAttemptContext } from '../../src/runs/execution/attempt-context.ts';
import { createJournal } from '../../src/runs/execution/journal.ts';
import { noFailpoints } from '../../src/runs/failpoints.ts';
import { RunStopped } from '../../src/runs/run-failure.ts';
import type { JournalEntries, Run, Step, StoredEvent } from '../../src/storage/port/index.ts';

/**
 * The journal of one run in memory, over its attempts: it keeps what a store keeps. All entries are converted to JSON
 * and back, as in a store.
 */
export function createMemoryJournal({
  effectDefault = 'idempotent' as Effect,
  toolOutputBytesMax = Number.POSITIVE_INFINITY,
} = {}) {
  const steps = new Map<number, Step>();
  const events: StoredEvent[] = [];

  function write(entries: JournalEntries): void {
    const { steps: changed, events: more } = JSON.parse(JSON.stringify(entries)) as JournalEntries;
    for (const step of changed) steps.set(step.step, step);
    events.push(...more);
  }

  const memory = {
    attempts: 0,
    events,
    /** The recorded steps, by step number. */
    steps: (): Step[] => [...steps.values()].sort((one, other) => one.step - other.step),
    /** Called before each write; an error from it is the error of the write. */
    beforeWrite: async (_entries: JournalEntries): Promise<void> => {},
    /** Resolves once the run itself is stored. */
    stored: Promise.resolve() as Promise<unknown>,
    /** Stops the run at the next moment at which it can be handed back. Null: it need not be. */
    handBack: null as AbortController | null,
    /** Whether writes are refused, as if another attempt had taken over. */
    refuses: false,
    write,

    /** Opens the next attempt at the run, with the entries recorded so far. */
    open(run: Run, signal: AbortSignal = new AbortController().signal, budget?: RunBudget): AttemptContext {
      memory.attempts += 1;
      const recorded = JSON.parse(JSON.stringify({ steps: memory.steps(), events }));
      const journal = createJournal({
        attempt: run.attempt,
        signal,
        recorded,
        clock: systemClock,
        publish: () => {},
        lost: () => {},
        append: async (entries) => {
          await memory.beforeWrite(entries);
          if (memory.refuses) return false;
          write(entries);
          return true;
        },
      });
      return createAttemptContext({
        run,
        stored: memory.stored,
        journal,
        clock: systemClock,
        signal,
        effectDefault,
        toolOutputBytesMax,
        hitFailpoint: noFailpoints,
        assertHeld: () => {},
        handBackIfDue: () => {
          memory.handBack?.abort(new RunStopped('shutting_down'));
          return signal.aborted;
        },
        budget,
        isHandBackDue: () => memory.handBack !== null,
      });
    },

    /** Ends an attempt: its pending entries are written, as with the end of a run. */
    close: async (attempt: AttemptContext): Promise<void> => write(await attempt.journal.close(null)),
  };
  return memory;
}

/** The journal of one run in memory. */
export type MemoryJournal = ReturnType<typeof createMemoryJournal>;
