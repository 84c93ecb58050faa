import { availableParallelism } from 'node:os';
import { cpuQuota } from './cpu-quota.ts';

/** `auto` starts no more: each process holds connections to the database, and memory, of its own. */
const autoMax = 4;

/** What decides about the number of processes. */
export type WorkerSettings = {
  /** As set; null for `auto`. */
  workers: number | null;
  store: { databaseUrl?: string | undefined };
};

/** CPUs of which this process may make use, whole ones. */
const usableCpus = (): number => Math.floor(Math.min(cpuQuota() ?? Number.POSITIVE_INFINITY, availableParallelism()));

/** How many processes serve on this host. With 1 that is this process itself. */
export function countWorkers({ workers, store }: WorkerSettings, cpus: () => number = usableCpus): number {
  if (workers !== null) return workers;
  if (store.databaseUrl === undefined) return 1;
  return Math.max(1, Math.min(autoMax, cpus()));
}
