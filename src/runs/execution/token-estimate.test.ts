import type { ModelRequest } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { estimateInputTokens } from './token-estimate.ts';

const requestOf = (content: unknown): ModelRequest =>
  ({ input: [{ role: 'user', content }], modelSettings: {}, tools: [], handoffs: [] }) as unknown as ModelRequest;

/** What content adds to the estimate of a request without any. */
const tokensOf = (...content: unknown[]): number =>
  estimateInputTokens(requestOf(content)) - estimateInputTokens(requestOf([]));

const base64 = (bytes: number): string => Buffer.alloc(bytes, 1).toString('base64');
const megabyte = 1_000_000;

describe('the estimate of input tokens', () => {
  test.each([
    ['a picture', { type: 'input_image', image: `data:image/png;base64,${base64(megabyte)}` }],
    ['a picture by its URL', { type: 'input_image', image: 'https://example.com/a.png' }],
    ['a picture by its id', { type: 'input_image', image: { id: 'file-1' } }],
    ['a file', { type: 'input_file', file: `data:application/pdf;base64,${base64(megabyte)}` }],
    ['a sound', { type: 'audio', audio: base64(megabyte), format: 'wav' }],
    ['a picture of a tool', { type: 'image', image: { data: base64(megabyte), mediaType: 'image/png' } }],
  ])('counts 2,000 tokens at least for %s, and its base64 not as text', (_, part) => {
    expect(tokensOf(part)).toBeGreaterThanOrEqual(2_000);
    expect(tokensOf(part)).toBeLessThan(2_100);
  });

  test('grows with a large file, and with all of a file that is text', () => {
    const file = (type: string) => ({ type: 'input_file', file: `data:${type};base64,${base64(12 * megabyte)}` });
    expect(tokensOf(file('application/pdf'))).toBeGreaterThanOrEqual(12_000);
    expect(tokensOf(file('application/pdf'))).toBeLessThan(13_000);
    expect(tokensOf(file('text/csv'))).toBeGreaterThanOrEqual(4 * megabyte);
  });

  test('counts a text by its bytes', () => {
    expect(tokensOf({ type: 'input_text', text: 'a'.repeat(3_000) })).toBeGreaterThanOrEqual(1_000);
    expect(tokensOf({ type: 'input_text', text: 'a'.repeat(3_000) })).toBeLessThan(1_100);
  });
});
