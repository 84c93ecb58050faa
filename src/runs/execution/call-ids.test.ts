import { expect, test } from 'vitest';
import { CallIds } from './call-ids.ts';

test('an id that was used or recorded before gets a suffix that makes it unique', () => {
  const ids = new CallIds();
  ids.add('call_0_2');
  expect(['call_0', 'call_0', 'call_0', 'call_1'].map((id) => ids.unique(id))).toEqual([
    'call_0',
    'call_0_3',
    'call_0_4',
    'call_1',
  ]);
});

test('the output of a call in the same answer keeps the id of its call', () => {
  const ids = new CallIds();
  ids.add('call_0');
  const answer = [
    { type: 'shell_call', callId: 'call_0' },
    { type: 'shell_call_output', callId: 'call_0' },
    { type: 'function_call', callId: 'call_1' },
    { type: 'message' },
  ];
  expect(ids.uniqueIn(answer).map(({ callId }) => callId)).toEqual(['call_0_2', 'call_0_2', 'call_1', undefined]);
});
