import { createRandom } from '../random.ts';
import { createClient } from './client.ts';
import { type PlannedRun, planRuns } from './plan.ts';
import type { LoadReport, LoadRun, SeenEvent } from './report.ts';
import { createSender } from './sender.ts';
import type { Targets } from './targets.ts';

/** What a load does, and to whom. */
export type LoadOptions = {
  /** The services; they may come and go, and must run `apps/fault-points.ts` or `apps/effects.ts` on one store. */
  targets: Targets;
  /** Runs that are asked for over all. */
  runs: number;
  /** Decides everything that chance decides, apart from what the services do. */
  seed: number;
  /** The `EFFECTS_FILE` of the services. */
  effectsFile: string;
  /** Clients that work at once. Defaults to 8. */
  clients?: number;
  /** Sessions that the runs share. Defaults to 3. */
  sessions?: number;
  /** Distinguishes loads on one store. Defaults to the seed. */
  name?: string;
  /** Called with every event that any client receives. */
  onEvent?(event: SeenEvent): void;
  /** Called with every run that has been brought to its end. */
  onEnd?(run: LoadRun): void;
  /** Ends the load early: then it rejects with the signal's reason. Defaults to never. */
  signal?: AbortSignal;
};

/** Wakes all waiters when something ends. */
function createEnds() {
  const waiting = new Set<() => void>();
  return {
    told(): void {
      for (const resume of waiting) resume();
      waiting.clear();
    },
    next: (signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        waiting.add(resolve);
        signal.addEventListener('abort', () => waiting.delete(resolve) && resolve(), { once: true });
      }),
  };
}

/**
 * Asks for runs of all kinds by clients that come back until each has seen its run's end: they send what got lost again
 * with its `Idempotency-Key`, follow events from where they were, and decide about calls of unknown outcome by what
 * really happened. The clients are loops in this process; the same seed makes the same runs.
 */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { targets, seed, effectsFile, clients = 8, onEvent = () => {}, onEnd = () => {} } = options;
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, ...(options.signal ? [options.signal] : [])]);
  const report: LoadReport = { seed, runs: [], errors: [], drops: 0, violations: [] };
  const ends = createEnds();
  const planned = planRuns(options);

  async function work(number: number): Promise<void> {
    const sender = createSender({ targets, random: createRandom(seed + number), report, anyEnd: ends.next, signal });
    const client = createClient({ sender, report, effectsFile, onEvent, signal });
    for (let next = planned.shift(); next; next = planned.shift()) {
      const run = await client.carryOut(next as PlannedRun);
      report.runs.push(run);
      ends.told();
      onEnd(run);
    }
  }

  // One that fails ends the others: what it has to say is not waited for until they are done.
  await Promise.all(
    Array.from({ length: clients }, (_, index) =>
      work(index + 1).catch((error: unknown) => {
        stopping.abort(error);
        throw error;
      }),
    ),
  );
  report.runs.sort((one, other) => one.planned.number - other.planned.number);
  return report;
}
