import { setTracingDisabled } from '@openai/agents';
import { afterEach, expect, test } from 'vitest';
import { disableSdkDefaults, isTraced } from './sdk-defaults.ts';

afterEach(() => disableSdkDefaults({}));

test('the SDK records no traces unless the application turns them on', () => {
  disableSdkDefaults({});
  expect(isTraced()).toBe(false);
  setTracingDisabled(false);
  expect(isTraced()).toBe(true);
});
