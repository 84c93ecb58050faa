import { expect, test } from 'vitest';
import { createManualClock } from '../../../../tests/support/manual-clock.ts';
import { createBreakerRegistry } from './breaker-registry.ts';
import type { BreakerUpdate } from './shared-breakers.ts';

const deployment = { id: 'd1', keyId: 'k1', provider: 'p', model: 'm' };
const quiet = { warn: () => {}, info: () => {} };

test('a successful probe closes the breaker, also when an older note about it arrives meanwhile', async () => {
  let deliver: (update: BreakerUpdate) => void = () => {};
  const cleared: string[] = [];
  const breakers = createBreakerRegistry({
    sharedBreakers: {
      publish: () => {},
      clear: (id) => cleared.push(id),
      claimProbe: async () => 'granted',
      subscribe: (listener) => {
        deliver = listener;
      },
    },
    clock: createManualClock(),
    log: quiet,
  });
  const awaitsProbe = { id: 'd1', type: 'open', forMs: 0, trips: 1, probeForMs: 0 } as const;
  deliver({ notes: [awaitsProbe], closed: [] });
  expect(await breakers.claimProbe(deployment)).toBe(true);
  deliver({ notes: [awaitsProbe], closed: [] }); // read before the probe was claimed
  expect(breakers.availability(deployment).type).toBe('unavailable');
  breakers.succeeded(deployment);
  expect(breakers.stateOf(deployment)).toBe('closed');
  expect(cleared).toEqual(['d1']);
});
