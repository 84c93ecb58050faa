import { ServiceError } from '../../platform/errors.ts';
import { retryAfterRules } from '../../platform/http/retry-after.ts';

/** Limits the event streams that each caller has open in this process: idle streams cost memory and sockets. */
export function createStreamLimit(perCallerMax: number) {
  const open = new Map<string, number>();

  return {
    /**
     * Takes a permit for a stream of a caller. Disposing of it releases the permit; a second time changes nothing.
     *
     * @throws {ServiceError} `rate_limited`
     */
    acquire(caller: string): Disposable {
      const count = open.get(caller) ?? 0;
      if (count >= perCallerMax)
        throw new ServiceError('rate_limited', {}, { retryAfterMs: retryAfterRules.streamLimitMs });
      open.set(caller, count + 1);
      let held = true;
      return {
        [Symbol.dispose]() {
          if (!held) return;
          held = false;
          const remaining = (open.get(caller) ?? 1) - 1;
          if (remaining > 0) open.set(caller, remaining);
          else open.delete(caller);
        },
      };
    },
  };
}
