import { setTracingDisabled } from '@openai/agents';
import { afterEach, expect, test } from 'vitest';
import { isTraced, quietSdk } from './sdk.ts';

afterEach(() => quietSdk({}));

test('the SDK traces nothing unless the application says so', () => {
  quietSdk({});
  expect(isTraced()).toBe(false);
  setTracingDisabled(false);
  expect(isTraced()).toBe(true);
});
