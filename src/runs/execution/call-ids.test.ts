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
