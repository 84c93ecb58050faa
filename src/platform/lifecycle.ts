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
 * the failures are thrown together at the end. A stop while it starts ends the start, which then rejects; a second
 * stop tells its own deadline to what the first one still waits for.
 */
export function supervise(name: string, services: readonly Service[]): Service {
  const running: Service[] = [];
  let attempt: { done: Promise<void> } | null = null;

  const startAll = async (isCurrent: () => boolean) => {
    for (const service of services) {
      // Pushed first: a start that fails half way is undone by the same service's stop.
      running.push(service);
      await service.start();
      if (!isCurrent()) throw new Error(`${name} was stopped while it started`);
    }
  };

  const stopAll = async (deadline: AbortSignal) => {
    const failures: unknown[] = [];
    for (let service = running.at(-1); service !== undefined; service = running.at(-1)) {
      try {
        await service.stop(deadline);
      } catch (error) {
        failures.push(error);
      }
      // Taken out last, so that a second stop does not return while this one waits; it may have been the faster one.
      if (running.at(-1) === service) running.pop();
    }
    if (failures.length > 0) throw new AggregateError(failures, `${name} did not stop cleanly`);
  };

  const begin = () => {
    const own = { done: Promise.resolve() };
    const isCurrent = () => attempt === own;
    attempt = own;
    own.done = startAll(isCurrent).catch(async (error: unknown) => {
      if (isCurrent()) {
        attempt = null;
        await stopAll(AbortSignal.timeout(undoMs)).catch(() => {}); // the failure to start says more
      }
      throw error;
    });
    return own;
  };

  return {
    name,
    start: () => (attempt ?? begin()).done,
    stop: (deadline) => {
      attempt = null;
      return stopAll(deadline);
    },
  };
}
