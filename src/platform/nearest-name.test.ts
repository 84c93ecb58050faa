import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

test.each([
  ['agnets', 'agents'],
  ['Entry', 'entry'],
  ['agent', 'agents'],
  ['workflowName', undefined],
  ['', undefined],
])('the known name nearest to "%s" is %s', (name, expected) => {
  expect(nearestName(name, ['entry', 'agents', 'mcpServers'])).toBe(expected);
});
