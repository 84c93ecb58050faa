import { ServiceError } from '../../platform/errors.ts';

/** When a caller whose streams are all open does well to come back, in ms. */
const retryMs = 5_000;

/** Bounds the streams of events that each caller has open in this process: idle ones cost memory and sockets. */
export function createStreamLimit(eachMax: number) {
  const open = new Map<string, number>();

  return {
    /**
     * Takes a place for a caller, until it is disposed of; again changes nothing.
     *
     * @throws {ServiceError} `rate_limited`
     */
    take(caller: string): Disposable {
      const count = open.get(caller) ?? 0;
      if (count >= eachMax) throw new ServiceError('rate_limited', {}, { retryAfterMs: retryMs });
      open.set(caller, count + 1);
      let taken = true;
      return {
        [Symbol.dispose]() {
          if (!taken) return;
          taken = false;
          const left = (open.get(caller) ?? 1) - 1;
          if (left > 0) open.set(caller, left);
          else open.delete(caller);
        },
      };
    },
  };
}
