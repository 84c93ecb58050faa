import { expect, test } from 'vitest';
import { newRun } from '../../../tests/support/execute-run.ts';
import type { Step, StoredEvent } from '../../storage/port/index.ts';
import {
  openHostedCalls,
  partialAgentTexts,
  readRecorded,
  resumedAfter,
  stepsWithPartialText,
} from './recorded-entries.ts';

const event = (type: string, data: StoredEvent['data'] = {}, seq = 2): StoredEvent => ({
  seq,
  type,
  attempt: 1,
  atMs: 0,
  data,
});
const text = (step: number) => event('text.delta', { step, delta: 'x' });
const step = (number: number, status: Step['status']) => ({ step: number, status }) as Step;

test('all events of a run are read, page by page', async () => {
  const stored = Array.from({ length: 450 }, (_, index) => event('text.delta', {}, index + 2));
  const afters: number[] = [];
  const { events } = await readRecorded(
    {
      append: async () => true,
      steps: async () => [],
      changes: async () => [],
      events: async (_tenantId, _runId, afterSeq, limit) => {
        afters.push(afterSeq);
        return stored.filter(({ seq }) => seq > afterSeq).slice(0, limit);
      },
    },
    newRun('background'),
  );
  expect(events).toEqual(stored);
  expect(afters).toEqual([1, 201, 401]);
});

test.each([
  ['decision', 0, [event('run.requires_action')]],
  ['recovery', 1, []],
  ['handback', 0, []],
  ['handback', 1, [event('run.resumed', { after: 'recovery' })]],
  ['recovery', 2, [event('run.resumed', { after: 'recovery' })]],
] as const)('a run resumes after a %s if it crashed %d times and its last events are %j', (after, crashes, events) => {
  const run = { ...newRun('background'), crashes };
  expect(resumedAfter(run, { steps: [], events: [...events] })).toBe(after);
});

test('the text of a step is partial until the step has completed or the text is withdrawn', () => {
  const withdrawn = event('text.reset', { step: 3, reason: 'provider' });
  const events = [text(1), text(2), text(3), withdrawn];
  expect(stepsWithPartialText({ steps: [step(1, 'completed'), step(2, 'started')], events })).toEqual([2]);
});

test('reasoning that was shown counts as text of its step', () => {
  const events = [
    event('reasoning.delta', { step: 1, part: 1, delta: 'x' }),
    event('reasoning.completed', { step: 2 }),
  ];
  expect(stepsWithPartialText({ steps: [step(2, 'completed')], events })).toEqual([1]);
});

test('the text of an agent used as a tool is partial until its step has completed or the text is withdrawn', () => {
  const said = (number: number) =>
    event('agent.text.delta', { step: number, scope: '/writer.x.0', agent: 'writer', delta: 'x' });
  const withdrawn = event('agent.text.reset', { step: 3, scope: '/writer.x.0', agent: 'writer', reason: 'provider' });
  const events = [said(1), said(2), said(2), said(3), withdrawn];
  expect(partialAgentTexts({ steps: [step(1, 'completed')], events })).toEqual([
    { step: 2, scope: '/writer.x.0', agent: 'writer' },
  ]);
});

test('a call of a hosted tool is open until it has ended or its model call has completed', () => {
  const call = (type: string, number: number, more = {}) =>
    event(type, { step: number, call_id: `ws_${number}`, tool: 'web_search', arguments: {}, ...more });
  const begun = (number: number) => call('tool.started', number, { hosted: true });
  const ofTheApplication = call('tool.started', 4);
  const events = [begun(1), begun(2), call('tool.completed', 2), begun(3), ofTheApplication];
  expect(openHostedCalls({ steps: [step(1, 'completed')], events })).toMatchObject([{ step: 3, callId: 'ws_3' }]);
});
