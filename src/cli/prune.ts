import { systemClock } from '../platform/clock.ts';
import { describeDuration } from '../platform/duration.ts';
import { createLogger } from '../platform/logger.ts';
import { parseSettings, type Settings } from '../platform/settings/settings.ts';
import { StartError } from '../platform/start-error.ts';
import { readEnvironment } from '../process/environment.ts';
import { createStore, type StoreUse } from '../process/store.ts';
import { type Swept, sweep } from '../retention/index.ts';
import type { Expired, Store } from '../storage/port/index.ts';
import { requireStore } from './require-store.ts';
import { writesIn } from './with-store.ts';

/** The options of `agent-service prune`. */
export type PruneOptions = {
  /** Removes runs that ended longer ago than this, in ms. Defaults to `RUN_RETENTION`. */
  olderThan?: number;
  /** Counts the runs and keys, and removes none. */
  dryRun?: true;
};

/** The interval of the progress report, in ms. */
const progressMs = 2_000;
/** The exit codes of a shell for a command that a signal ended. */
const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/** Removes ended runs past their retention, and expired idempotency keys. The service may run meanwhile. */
export async function prune({ olderThan, dryRun }: PruneOptions): Promise<void> {
  try {
    // As with `migrate`: no provider is called.
    const environment = readEnvironment();
    const settings = parseSettings({ OPENAI_API_KEY: 'not-needed-to-prune', ...environment });
    const olderThanMs = olderThan ?? settings.runRetentionMs;
    if (olderThanMs === null)
      throw new StartError('RUN_RETENTION is never. Say which runs, such as --older-than "90 days".');
    const store = openStore(settings, dryRun ? { type: 'reads' } : writesIn(environment));
    await store.start();
    try {
      const expired = await store.retention.countExpired(olderThanMs);
      const age = `that ended more than ${describeDuration(olderThanMs)} ago`;
      if (dryRun) printLine(`${describeCounts(expired)} would be removed: runs ${age}, and keys that have expired.`);
      else report(await removeAll(store, olderThanMs, expired.runs), age);
    } finally {
      await store.stop(AbortSignal.timeout(5_000));
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

function openStore(settings: Settings, use: StoreUse): Store {
  requireStore(settings);
  const log = createLogger({ level: 'WARNING', appName: settings.appName, readable: process.stdout.isTTY });
  // No fsync per commit: rows that reappear after a power cut are removed by the next prune, and the service is not blocked.
  return createStore({ ...settings, store: { ...settings.store, sync: 'normal' } }, log, use);
}

/** Sweeps and reports the progress. A signal ends the sweep after the current batch. */
async function removeAll(store: Store, olderThanMs: number, expected: number): Promise<Swept> {
  const stopping = new AbortController();
  for (const [signal, code] of Object.entries(signals)) {
    process.once(signal, () => {
      process.exitCode = code;
      stopping.abort();
    });
  }
  let reportedMs = Number.NEGATIVE_INFINITY;
  const progress = (runs: number) => {
    if (runs >= expected || systemClock.monotonicMs() - reportedMs < progressMs) return;
    reportedMs = systemClock.monotonicMs();
    process.stderr.write(`${grouped(runs)} of ${grouped(expected)} runs removed\n`);
  };
  const { retention } = store;
  return sweep({ retention, clock: systemClock }, { olderThanMs, signal: stopping.signal, progress });
}

function report(swept: Swept, age: string): void {
  if (swept.complete) printLine(`${describeCounts(swept)} removed: runs ${age}, and keys that had expired.`);
  else printLine(`Stopped: ${describeCounts(swept)} removed so far. Run it again to go on.`);
}

const printLine = (sentence: string): void => void process.stdout.write(`${sentence}\n`);
const grouped = (count: number): string => count.toLocaleString('en-US');
const pluralise = (count: number, what: string): string => `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
const describeCounts = ({ runs, keys }: Expired): string =>
  `${pluralise(runs, 'run')} and ${pluralise(keys, 'idempotency key')}`;
