import { expect, test } from 'vitest';
import { createFakeClock } from '../../../../tests/support/fake-clock.ts';
import { createBreakerRegistry } from './breaker-registry.ts';
import type { BreakerNews } from './shared-breakers.ts';

const deployment = { id: 'd1', keyId: 'k1', provider: 'p', model: 'm' };
const quiet = { warn: () => {}, info: () => {} };

test('a probe that has gone well closes the breaker, also when an old word about it arrives meanwhile', async () => {
  let tell: (news: BreakerNews) => void = () => {};
  const cleared: string[] = [];
  const standing = createBreakerRegistry({
    board: {
      tell: () => {},
      clear: (id) => cleared.push(id),
      claimProbe: async () => 'granted',
      onNews: (listener) => {
        tell = listener;
      },
    },
    clock: createFakeClock(),
    log: quiet,
  });
  const waitsForItsProbe = { id: 'd1', type: 'open', forMs: 0, trips: 1, probeForMs: 0 } as const;
  tell({ notes: [waitsForItsProbe], closed: [] });
  expect(await standing.admit(deployment)).toBe(true);
  tell({ notes: [waitsForItsProbe], closed: [] }); // read before the probe was claimed
  expect(standing.readiness(deployment).type).toBe('not_ready');
  standing.answered(deployment);
  expect(standing.stateOf(deployment)).toBe('closed');
  expect(cleared).toEqual(['d1']);
});
