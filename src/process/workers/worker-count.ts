import { availableParallelism } from 'node:os';
import { cpuQuota } from './cpu-quota.ts';

/** The most processes that `auto` starts: each process has its own database connections and memory. */
const autoMax = 4;

/** The settings that determine the number of processes. */
export type WorkerSettings = {
  /** The number from the setting; null for `auto`. */
  workers: number | null;
  store: { databaseUrl?: string | undefined };
};

/** The whole CPUs that this process can use. */
const usableCpus = (): number => Math.floor(Math.min(cpuQuota() ?? Number.POSITIVE_INFINITY, availableParallelism()));

/** The number of processes that serve on this host. With 1, this process serves by itself. */
export function countWorkers({ workers, store }: WorkerSettings, cpus: () => number = usableCpus): number {
  if (workers !== null) return workers;
  if (store.databaseUrl === undefined) return 1;
  return Math.max(1, Math.min(autoMax, cpus()));
}
