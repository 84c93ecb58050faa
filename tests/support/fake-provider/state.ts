import type { ChangeSignal } from './change-signal.ts';
import type { Exchange } from './exchange.ts';
import { createHolds } from './holds.ts';
import type { Turn } from './model-call.ts';
import { createRecorder } from './recorder.ts';
import { createScript } from './script.ts';

/** All that a reset throws away: the script, the holds, what was recorded, and the answers under way. */
export function createState(nowMs: () => number, signal: ChangeSignal) {
  const exchanges = new Set<Exchange>();
  return {
    script: createScript(),
    holds: createHolds(signal.changed),
    recorder: createRecorder(nowMs, signal.changed),
    /** The conversation up to and including each response, by its id. */
    responses: new Map<string, Turn[]>(),
    /** Remembers an exchange until it is over. */
    track(exchange: Exchange): void {
      exchanges.add(exchange);
      exchange.signal.addEventListener('abort', () => exchanges.delete(exchange), { once: true });
    },
    /** Breaks the connections of all answers under way. */
    dropExchanges(): void {
      for (const exchange of exchanges) exchange.drop();
    },
  };
}

/** See createState. */
export type State = ReturnType<typeof createState>;
