/** A process that executes runs, as it announces itself. */
export type ProcessInfo = {
  id: string;
  host: string;
  pid: number;
  appVersion: string;
  sdkVersion: string;
  /** The names of the agents whose runs it can execute. */
  agents: readonly string[];
  /** Whether it claims runs in the background; otherwise nobody leaves it any. */
  background: boolean;
};

/**
 * Who is alive. A process holds a lease on the database's clock and extends it; the runs of a process whose lease has
 * run out are orphans. One row a process, so that a heartbeat costs one small write however many runs there are.
 */
export interface ProcessStore {
  /** Announces a process with a lease of `leaseMs` from now. Announced again, it has the new lease. */
  register(info: ProcessInfo, leaseMs: number): Promise<void>;

  /**
   * Extends the lease to `leaseMs` from now. False if there is no lease to extend, since it ran out or the process was
   * taken out: others may have taken the process for dead meanwhile, so it may not go on with its runs.
   */
  heartbeat(processId: string, leaseMs: number): Promise<boolean>;

  /** Notes that the process claims no more runs, so that others do not leave it those that it fits best. */
  stopClaiming(processId: string): Promise<void>;

  /** Takes the process out; runs it still owns are orphans at once. */
  unregister(processId: string): Promise<void>;

  /** Removes processes whose lease ran out more than `olderThanMs` ago and that own no unfinished run. */
  forgetDead(olderThanMs: number): Promise<number>;
}
