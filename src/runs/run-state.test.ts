import { expect, test } from 'vitest';
import { runStatuses } from '../storage/port/index.ts';
import { isFinal, nextStatus, type RunTransition, transitions } from './run-state.ts';

const expected: [from: string, transition: RunTransition, to: string][] = [
  ['queued', 'start', 'running'],
  ['queued', 'cancel', 'cancelled'],
  ['queued', 'time_out', 'timed_out'],
  ['queued', 'fail', 'failed'],
  ['running', 'complete', 'completed'],
  ['running', 'fail', 'failed'],
  ['running', 'cancel', 'cancelled'],
  ['running', 'time_out', 'timed_out'],
  ['running', 'pause', 'requires_action'],
  ['running', 'hand_back', 'queued'],
  ['requires_action', 'decide', 'queued'],
  ['requires_action', 'cancel', 'cancelled'],
  ['requires_action', 'fail', 'failed'],
];

test.each(expected)('a %s run goes by "%s" to %s', (from, transition, to) => {
  expect(nextStatus(from as (typeof runStatuses)[number], transition)).toBe(to);
});

test('the table of run states has no other rows', () => {
  const rows = Object.entries(transitions).flatMap(([from, to]) => Object.keys(to).map((name) => `${from} ${name}`));
  expect(rows.sort()).toEqual(expected.map(([from, name]) => `${from} ${name}`).sort());
});

test('a run that has ended has no transitions', () => {
  for (const status of runStatuses.filter(isFinal)) expect(transitions[status]).toEqual({});
  expect(nextStatus('completed', 'start')).toBeNull();
});
