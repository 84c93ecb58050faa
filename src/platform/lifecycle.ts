/**
 * A part of the process with a start and an end. `stop` may be called at any time, also during `start`. It resolves when
 * the part has ended completely, and ends it by force when `deadline` aborts. Both may be called twice.
 */
export type Service = {
  readonly name: string;
  start(): Promise<void>;
  stop(deadline: AbortSignal): Promise<void>;
};

/** The deadline for the stop of services whose common start has failed, in ms. */
const undoMs = 5_000;

/**
 * Combines several services into one. They are started in order, and stopped in reverse order. If one fails to start, it
 * and the ones before it are stopped again, and the failure is thrown. A service that fails to stop does not prevent the
 * stop of the others; the failures are thrown together at the end. A stop during the start ends the start, which then
 * rejects. A second stop passes its own deadline to the service that the first one still waits for.
 */
export function supervise(name: string, services: readonly Service[]): Service {
  const running: Service[] = [];
  let attempt: { done: Promise<void> } | null = null;

  const startAll = async (isCurrent: () => boolean) => {
    for (const service of services) {
      // Pushed first, so that a start that fails half way is undone by the stop of the same service.
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
      // Removed last, so that a second stop does not return while this one waits. The second one may have removed it already.
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
        await stopAll(AbortSignal.timeout(undoMs)).catch(() => {}); // the failure of the start is more useful
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
