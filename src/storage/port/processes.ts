/** A process that executes runs, as it registers itself. */
export type ProcessInfo = {
  id: string;
  host: string;
  pid: number;
  appVersion: string;
  sdkVersion: string;
  /** The names of the agents whose runs it can execute. */
  agents: readonly string[];
  /** Whether it claims background runs; otherwise no process leaves it any. */
  background: boolean;
};

/**
 * The live processes. A process holds a lease on the database's clock and extends it; the runs of a process whose lease
 * has expired are orphans. One row a process, so that a heartbeat costs one small write however many runs there are.
 */
export interface ProcessStore {
  /** Registers a process with a lease of `leaseMs` from now. Registered again, it has the new lease. */
  register(info: ProcessInfo, leaseMs: number): Promise<void>;

  /**
   * Extends the lease to `leaseMs` from now. False if there is no lease to extend, since it expired or the process was
   * unregistered: other processes may have recovered its runs meanwhile, so it may not continue them.
   */
  heartbeat(processId: string, leaseMs: number): Promise<boolean>;

  /** Notes that the process claims no more runs, so that others do not leave it the runs that fit it best. */
  stopClaiming(processId: string): Promise<void>;

  /** Removes the process; runs that it still owns are orphans at once. */
  unregister(processId: string): Promise<void>;

  /** Removes processes whose lease expired more than `olderThanMs` ago and that own no unfinished run. */
  forgetDead(olderThanMs: number): Promise<number>;
}
