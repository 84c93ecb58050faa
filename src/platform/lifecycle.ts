/**
 * A part of the process that has a life. `start` may be undone by `stop` at any time, even half way; `stop` returns
 * when nothing is left, and hurries when `deadline` aborts. Both may be called twice.
 */
export type Service = {
  readonly name: string;
  start(): Promise<void>;
  stop(deadline: AbortSignal): Promise<void>;
};

/** How long parts have to undo a start that failed half way. */
const undoMs = 5_000;

/**
 * Several services as one: started in the order given, stopped in reverse. When one fails to start, those before it
 * are stopped again and the failure is thrown. A service that fails to stop does not keep the others from stopping;
 * the failures are thrown together at the end.
 */
export function supervise(name: string, services: readonly Service[]): Service {
  const running: Service[] = [];
  const stop = async (deadline: AbortSignal) => {
    const failures: unknown[] = [];
    while (running.length > 0) {
      await running
        .pop()
        ?.stop(deadline)
        .catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, `${name} did not stop cleanly`);
  };
  return {
    name,
    async start() {
      for (const service of services) {
        // Pushed first: a start that fails half way is undone by the same service's stop.
        running.push(service);
        try {
          await service.start();
        } catch (error) {
          await stop(AbortSignal.timeout(undoMs)).catch(() => {}); // the failure to start says more
          throw error;
        }
      }
    },
    stop,
  };
}
