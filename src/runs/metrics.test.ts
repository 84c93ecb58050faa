import { expect, test } from 'vitest';
import { createMetrics } from '../platform/metrics/metrics.ts';
import type { Store } from '../storage/port/index.ts';
import { createSlots } from './admission/slots.ts';
import { createRunMetrics } from './metrics.ts';

/** Figures over a store that counts as it is told, or that cannot be reached. */
function createFigures() {
  const state = { counts: { queued: 0, running: 0, requires_action: 0 } as Record<string, number> | null, counted: 0 };
  const countUnfinished = async () => {
    state.counted += 1;
    if (state.counts === null) throw new Error('the store is away');
    return state.counts;
  };
  const metrics = createMetrics();
  const tell = createRunMetrics({
    store: { runs: { countUnfinished } } as unknown as Store,
    slots: createSlots(3),
    metrics,
    eventLoopDelay: { recentMs: () => 250 },
  });
  const lines = async () => (await metrics.registry.metrics()).split('\n').filter((line) => !line.startsWith('#'));
  return { state, lines, tell };
}

test('the demand is that of the moment at which it is asked for, and costs no second count', async () => {
  const { state, lines } = createFigures();
  state.counts = { queued: 2, running: 3, requires_action: 5 };
  const found = await lines();
  expect(found).toContain('agent_service_demand 5');
  expect(found).toContain('agent_service_runs{state="requires_action"} 5');
  expect(state.counted).toBe(1);
  state.counts = { queued: 0, running: 0, requires_action: 0 };
  expect(await lines()).toContain('agent_service_demand 0');
});

test('while the store cannot be counted there is no demand told, neither an old one nor none', async () => {
  const { state, lines } = createFigures();
  state.counts = { queued: 2, running: 0, requires_action: 0 };
  await lines();
  state.counts = null;
  const found = await lines();
  expect(found.filter((line) => /^agent_service_(demand|runs)/.test(line))).toEqual([]);
});

test('callers in line, how long they were, who was sent away and why, and the delay of the event loop are told', async () => {
  const { lines, tell } = createFigures();
  tell.waiting(4);
  tell.admitted(250);
  tell.shed('too_late');
  tell.shed('too_late');
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'agent_service_admission_waiting 4',
      'agent_service_admission_wait_seconds_sum 0.25',
      'agent_service_shed_total{reason="too_late"} 2',
      'agent_service_event_loop_delay_seconds 0.25',
    ]),
  );
});
