import { expect, test } from 'vitest';
import { newRun } from '../../../tests/support/execute-run.ts';
import type { Session } from '../../storage/port/index.ts';
import type { Continuation } from './continuation.ts';
import { createGoneAgentWatch } from './gone-agent.ts';

const run = { ...newRun('blocking'), sessionSeqAtStart: 2 };

function createWatch(lastAgent: string | null, continueWith: Continuation = 'last_agent') {
  const warnings: unknown[] = [];
  const watch = createGoneAgentWatch({
    agents: { entry: 'main', get: (name) => (name === 'main' || name === 'here' ? ({} as never) : undefined) },
    sessions: { get: async () => ({ lastAgent }) as Session },
    continueWith,
    log: { warn: (fields: unknown) => void warnings.push(fields) } as never,
  });
  return { watch, warnings };
}

test('a run that begins with the entry agent since the last agent is gone is named in the log', async () => {
  const { watch, warnings } = createWatch('gone');
  await watch(run);
  expect(warnings).toEqual([{ runId: 'run_1', sessionId: 's-1', lastAgent: 'gone', agent: 'main' }]);
});

test.each([
  { case: 'the last agent is there', lastAgent: 'here' },
  { case: 'no run ended with an agent', lastAgent: null },
])('nothing is logged where $case', async ({ lastAgent }) => {
  const { watch, warnings } = createWatch(lastAgent);
  await watch(run);
  expect(warnings).toEqual([]);
});

test.each([
  { case: 'sessions go on with the entry agent', continueWith: 'entry' as const, more: {} },
  { case: 'the run goes on after an attempt before', continueWith: 'last_agent' as const, more: { attempt: 2 } },
  { case: 'the run has begun with another agent', continueWith: 'last_agent' as const, more: { agent: 'here' } },
  { case: 'the session is new', continueWith: 'last_agent' as const, more: { sessionSeqAtStart: 0 } },
  { case: 'there is no session', continueWith: 'last_agent' as const, more: { sessionId: null } },
])('the session is not read where $case', ({ continueWith, more }) => {
  expect(createWatch('gone', continueWith).watch({ ...run, ...more })).toBeNull();
});
