import type { Effect } from '../../src/agents/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type AttemptContext, createAttemptContext } from '../../src/runs/execution/attempt-context.ts';
import { createJournal } from '../../src/runs/execution/journal.ts';
import { noFailpoints } from '../../src/runs/failpoints.ts';
import type { JournalEntries, Run, Step, StoredEvent } from '../../src/storage/port/index.ts';

/**
 * The journal of one run in memory, over its attempts: what a store keeps, without one. Everything goes through JSON,
 * as it does on its way into a store.
 */
export function createMemoryJournal({ effectDefault = 'idempotent' as Effect } = {}) {
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
    /** What is recorded, by step number. */
    steps: (): Step[] => [...steps.values()].sort((one, other) => one.step - other.step),
    /** Called before each write; what it throws or rejects with is what the store would. */
    beforeWrite: async (_entries: JournalEntries): Promise<void> => {},
    /** Resolves once the run itself is stored. */
    stored: Promise.resolve() as Promise<unknown>,
    /** Whether writes are refused, as those of an attempt that was taken over. */
    refuses: false,
    write,

    /** A next attempt at the run, over what is recorded. */
    open(run: Run, signal: AbortSignal = new AbortController().signal): AttemptContext {
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
        hitFailpoint: noFailpoints,
        assertHeld: () => {},
        handBackIfDue: () => false,
      });
    },

    /** Ends an attempt: what it has not written yet is written, as with the end of a run. */
    close: async (attempt: AttemptContext): Promise<void> => write(await attempt.journal.close(null)),
  };
  return memory;
}

/** The journal of one run in memory. */
export type MemoryJournal = ReturnType<typeof createMemoryJournal>;
