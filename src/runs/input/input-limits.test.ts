import { describe, expect, test } from 'vitest';
import { inputBodyBytesMax, inputRulesOf } from './input-limits.ts';

const limits = { inputCharsMax: 100, inputPartsMax: 2, inputBytesMax: 10 };
const rulesOf = (option: Parameters<typeof inputRulesOf>[0], official: boolean) =>
  inputRulesOf(option, limits, { official, apis: ['responses'] });

describe('the rules for inputs', () => {
  test('allow URLs by default only where every provider is OpenAI itself', () => {
    expect(rulesOf({}, true).urls).toBe(true);
    expect(rulesOf({}, false).urls).toBe(false);
    expect(rulesOf({ urls: true }, false).urls).toBe(true);
    expect(rulesOf({ urls: false }, true).urls).toBe(false);
  });

  test('allow no ids of files and no further roles by default', () => {
    expect(rulesOf({}, true)).toMatchObject({ fileIds: false, roles: [] });
    expect(rulesOf({ fileIds: true, roles: ['system'] }, true)).toMatchObject({ fileIds: true, roles: ['system'] });
  });
});

test('the longest body has room for all characters escaped and all data in base64', () => {
  const text = '\\u0001'.repeat(limits.inputCharsMax);
  const data = Buffer.alloc(limits.inputBytesMax).toString('base64');
  expect(inputBodyBytesMax(limits)).toBeGreaterThan(text.length + data.length);
});
